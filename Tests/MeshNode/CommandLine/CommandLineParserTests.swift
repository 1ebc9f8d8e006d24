import Testing

@testable import MeshNode

private func parse(_ line: String) throws(UsageError) -> ParsedCommand {
    try CommandLineParser.parse(line.split(separator: " ").map(String.init))
}

private func invocation(_ line: String) throws -> Invocation {
    guard case .run(let invocation) = try parse(line) else { throw UsageError(description: "no command") }
    return invocation
}

@Suite struct CommandLineParserTests {
    @Test(
        "what is taken",
        arguments: [
            ("demo", Invocation(command: .demo)),
            ("up t.json5", Invocation(command: .up, positionals: ["TOPOLOGY": "t.json5"])),
            (
                "up --restart t.json5 --state d --ready-file=f",
                Invocation(
                    command: .up, values: ["--state": "d", "--ready-file": "f"], flags: ["--restart"],
                    positionals: ["TOPOLOGY": "t.json5"])
            ),
            ("up -- --t", Invocation(command: .up, positionals: ["TOPOLOGY": "--t"])),
            ("up --state=--d -", Invocation(command: .up, values: ["--state": "--d"], positionals: ["TOPOLOGY": "-"])),
            ("serve --config n.json5", Invocation(command: .serve, values: ["--config": "n.json5"])),
            ("status", Invocation(command: .status)),
            (
                "models --node https://h:1/ --json",
                Invocation(command: .models, values: ["--node": "https://h:1/"], flags: ["--json"])
            ),
            (
                "route m --token-file f",
                Invocation(
                    command: .route, values: ["--token-file": "f"], positionals: ["MODEL": "m"])
            ),
            (
                "route m --user alice@anl.gov --tokens 9 --explain",
                Invocation(
                    command: .route, values: ["--user": "alice@anl.gov", "--tokens": "9"], flags: ["--explain"],
                    positionals: ["MODEL": "m"])
            ),
            (
                "receipts --site b --outcome failed --since 30m",
                Invocation(
                    command: .receipts,
                    values: ["--limit": "20", "--site": "b", "--outcome": "failed", "--since": "30m"])
            ),
            (
                "receipts req_7 --replay",
                Invocation(
                    command: .receipts, values: ["--limit": "20"], flags: ["--replay"], positionals: ["ID": "req_7"])
            ),
            ("peers --node http://h", Invocation(command: .peers, values: ["--node": "http://h"])),
            ("login --local --force", Invocation(command: .login, flags: ["--local", "--force"])),
            (
                "token --node https://h --federation f --json",
                Invocation(command: .token, values: ["--node": "https://h", "--federation": "f"], flags: ["--json"])
            ),
            ("logout", Invocation(command: .logout)),
            (
                "keys create k --days 30 --model a --tokens-per-day 9 --model=b --network 10.0.0.0/8",
                Invocation(
                    command: .keysCreate, values: ["--days": "30", "--tokens-per-day": "9"],
                    lists: ["--model": ["a", "b"], "--network": ["10.0.0.0/8"]], positionals: ["NAME": "k"])
            ),
            ("keys list --all", Invocation(command: .keysList, flags: ["--all"])),
            ("keys revoke 7", Invocation(command: .keysRevoke, positionals: ["ID": "7"])),
            ("simulate a", Invocation(command: .simulate, positionals: ["SCENARIO": "a"])),
            (
                "simulate a --seed 7 b c",
                Invocation(
                    command: .simulate, values: ["--seed": "7"], positionals: ["SCENARIO": "a"], more: ["b", "c"])
            ),
            ("check f --json", Invocation(command: .check, flags: ["--json"], positionals: ["FILE": "f"])),
        ])
    func takes(line: String, expected: Invocation) throws { #expect(try parse(line) == .run(expected)) }

    @Test(
        "one clear line for what is not",
        arguments: [
            (
                "",
                "a command is missing; allowed: demo, up, simulate, serve, status, models, route, receipts, peers, check, doctor"
            ),
            ("upp", "unknown command \"upp\"; did you mean up?"),
            ("stauts", "unknown command \"stauts\"; did you mean status?"),
            ("zzzzzz", "unknown command \"zzzzzz\"; allowed: demo, up, simulate, serve"),
            ("--json", "found \"--json\"; allowed before"),
            ("up", "up: TOPOLOGY is missing: a topology file, such as topology/demo.json5"),
            ("up a b", "up: found \"b\" too many; allowed: one TOPOLOGY"),
            ("demo a", "demo: found \"a\" too many; allowed: options only"),
            ("up a --sate d", "up: unknown option \"--sate\"; did you mean --state?"),
            ("up a --zzzzzz", "up: unknown option \"--zzzzzz\"; allowed: --state, --ready-file, --restart, --help"),
            ("up a -x", "up: unknown option \"-x\""), ("up a --state", "up: --state needs a value: --state DIR"),
            ("up a --state --restart", "up: --state needs a value: --state DIR; found \"--restart\""),
            ("up a --state=", "up: --state: found \"\"; allowed: a text that is not empty"),
            ("up a --state b --state c", "up: --state is given twice; allowed: once"),
            ("up a --restart --restart", "up: --restart is given twice"),
            ("up a --restart=1", "up: --restart takes no value; found \"1\""),
            ("serve", "serve: --config FILE is missing: the node's configuration"),
            ("serve n.json5", "serve: found \"n.json5\" too many"),
            ("status --node h", "status: --node: found \"h\"; allowed: http://HOST"),
            ("status --node http://h/v1", "status: --node: found"),
            ("status --token x", "unknown option \"--token\"; did you mean --token-file?"),
            ("keys", "keys: a command is missing; allowed: create, list, revoke"),
            ("keys create", "keys create: NAME is missing"), ("keys revoke", "keys revoke: ID is missing"),
            ("keys create k --days 0", "--days: found \"0\"; allowed: an integer from 1 to 3650"),
            ("keys create k --network 10.0.0.1/8", "--network: found \"10.0.0.1/8\"; allowed: an IP address or a block"),
            ("keys create k --days 1 --days 2", "--days is given twice"),
            ("login https://h", "login: found \"https://h\" too many"), ("token --code x", "unknown option \"--code\""),
            ("emulate", "emulate: a command is missing; allowed: inference"),
            ("emulate inferense", "emulate: unknown command \"inferense\"; allowed: inference"),
            ("emulate globus --port 0", "emulate globus: --config FILE is missing"),
            ("emulate inference --model m", "emulate inference: --port N is missing"),
            ("emulate inference --port 65536 --model m", "--port: found \"65536\"; allowed: an integer from 0 to 65535"),
            (
                "emulate inference --port 0 --model m --failure-rate nan",
                "--failure-rate: found \"nan\"; allowed: a number from 0 to 1"
            ),
            (
                "emulate inference --port 0 --model m --address localhost",
                "--address: found \"localhost\"; allowed: an IP address"
            ),
            ("emulate inference --port 0 --model m --first-state up", "allowed: running, starting"),
            ("help upp", "unknown command \"upp\"; did you mean up?"), ("help up x", "help: found \"x\" after the command"),
        ])
    func refuses(line: String, expected: String) {
        let error = #expect(throws: UsageError.self) { try parse(line) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test("arguments are limited, and none breaks the line")
    func limits() {
        for arguments in [Array(repeating: "a", count: 257), ["check", String(repeating: "a", count: 8193)]] {
            #expect(throws: UsageError.self) { try CommandLineParser.parse(arguments) }
        }
        let error = #expect(throws: UsageError.self) { try CommandLineParser.parse(["a\n\u{1B}[2J"]) }
        #expect(error?.description.contains("\"a\\n\\u001b[2J\"") == true)
        #expect(throws: UsageError.self) { try CommandLineParser.parse(["check", ""]) }
    }

    @Test("help at every level", arguments: CommandSpecification.all)
    func help(command: CommandSpecification) throws {
        for line in [
            "\(command.name.rawValue) --help", "\(command.name.rawValue) x -h --bogus", "help \(command.name.rawValue)",
        ] {
            guard case .help(let text) = try parse(line) else {
                Issue.record("no help for \(line)")
                continue
            }
            #expect(text.hasPrefix("meshnode \(command.name.rawValue): \(command.summary)\n"))
            for name in command.options.map(\.name) + command.positionals.map(\.name) + ["--help"] {
                #expect(text.contains(name))
            }
            #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
        }
    }

    @Test("help of the program names every command", arguments: ["--help", "-h", "help"])
    func programHelp(line: String) throws {
        guard case .help(let text) = try parse(line) else { throw UsageError(description: "no help") }
        for command in CommandSpecification.all { #expect(text.contains("\n  \(command.name.rawValue)")) }
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    @Test("version, and help of a group")
    func others() throws {
        #expect(try parse("--version") == .version)
        guard case .help(let text) = try parse("emulate --help") else { throw UsageError(description: "no help") }
        #expect(text.contains("inference"))
    }

    @Test("values come typed")
    func typed() throws {
        let server = SimulatedServer(
            timeToFirstTokenSeconds: 0.05, tokensPerSecond: 12.5, slots: 3, startupSeconds: 1, failureRate: 0.5,
            contextTokens: 100)
        let line = "emulate inference --port 0 --model a/b \(server.arguments.joined(separator: " "))"
        let emulate = try invocation(line)
        #expect(emulate.simulatedServer == server)
        #expect(emulate.integer(.port) == 0 && emulate.text(.model) == "a/b" && emulate.text(.address) == "127.0.0.1")
        #expect(try invocation("emulate inference --port 1 --model m").simulatedServer == SimulatedServer())
        let route = try invocation("route m --json")
        #expect(route.positional(CommandSpecification.model) == "m" && route.flag(.json) && route.text(.tokenFile) == nil)
    }

    @Test("the table is sound")
    func table() {
        #expect(CommandSpecification.all.map(\.name) == CommandName.allCases)
        for command in CommandSpecification.all {
            #expect(Set(command.options.map(\.name)).count == command.options.count)
            for option in command.options {
                #expect(option.name.hasPrefix("--") && (option.value == .flag) == option.placeholder.isEmpty)
                if let fallback = option.fallback { #expect(option.value.judge(fallback).fits) }
            }
        }
    }
}
