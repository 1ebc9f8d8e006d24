import Testing

@testable import MeshNode

/// A small valid configuration; tests change one line of it. Line numbers matter to them.
private let base = """
    {
      federation: "demo.example.org",
      site: "argonne",
      node: "a1",
      listen: { api: "127.0.0.1:8101", mesh: "127.0.0.1:8201" },
      trust: { caFile: "ca.pem", certificateFile: "node.pem", keyFile: "/etc/meshnode/node.key" },
      stateDirectory: "./state",
      // more
    }
    """

private func decode(_ text: String, directory: String = "/etc/site") throws(ConfigurationErrors) -> NodeConfiguration {
    try Decoding.decode(
        Array(text.utf8), file: "node.json5", directory: directory, validatingFiles: false, NodeConfiguration.decode)
}

/// The base with a line replaced, or with fields in place of its comment (line 8).
private func changed(line: Int? = nil, to text: String) -> String {
    var lines = base.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    lines[(line ?? 8) - 1] = text
    return lines.joined(separator: "\n")
}

private let scope = "https://auth.globus.org/scopes/681c10cc-f684-4540-bcd7-0b4df3bc26ef/action_all"

/// A model behind a FIRST gateway.
private func first(_ more: String, url: String = "https://h/resource_server", framework: String = "vllm") -> String {
    """
    models: [{ id: 'm', backend: { kind: 'first', url: '\(url)', cluster: 'sophia', framework: '\(framework)', \(more) } }],
    """
}

private let model = #"models: [{ id: "m", backend: { kind: "openai", url: "http://h:8000/v1" }"#

@Suite struct NodeConfigurationTests {
    @Test("a small file gets the defaults")
    func defaults() throws {
        let node = try decode(base)
        #expect(node.listen.api == ListenAddress(address: "127.0.0.1", port: 8101))
        #expect(
            node.trust
                == TrustConfiguration(
                    caFile: "/etc/site/ca.pem", certificateFile: "/etc/site/node.pem", keyFile: "/etc/meshnode/node.key"))
        #expect(node.stateDirectory == "/etc/site/state")
        #expect(node.limits == LimitConfiguration() && node.timeouts == TimeoutConfiguration())
        #expect(node.limits.bodyBytes == 33_554_432 && node.timeouts.headSeconds == 15 && node.health.intervalSeconds == 2)
        #expect(node.tls == nil && node.models.isEmpty && node.loops == 0 && node.log.level == .info)
    }

    @Test(
        "each rule: a bad line, and what is said of it",
        arguments: [
            // Names and the top
            (2, "", "1: federation: is missing; allowed: a name such as demo"),
            (2, "federation: 'a..b',", "2: federation: found \"a..b\"; allowed: a name"),
            (3, "site: 'Argonne',", "3: site: found \"Argonne\"; allowed: a name such as site-a (a-z, 0-9, and - inside)"),
            (3, "site: '-a',", "3: site: found \"-a\""), (3, "site: 'a.b',", "3: site: found \"a.b\""),
            (4, "node: 7,", "4: node: found 7"), (4, "node: null,", "node: is missing"),
            (4, "node: '',", "4: node: found \"\""),
            (4, "node: 'a', node: 'b',", "4: node: the key is given twice; first in line 4"),
            (8, "sitee: 'x',", "8: sitee: unknown key; did you mean `site`?"),
            (8, "timeout: {},", "8: timeout: unknown key; did you mean `timeouts`?"),
            (8, "zzz: 1,", "8: zzz: unknown key; allowed: tls, trustedProxies"),
            // Listeners
            (5, "listen: 5,", "5: listen: found 5; allowed: an object"),
            (5, "listen: { api: '127.0.0.1:1' },", "5: listen.mesh: is missing; allowed: ADDRESS:PORT"),
            (
                5, "listen: { api: '127.0.0.1', mesh: '127.0.0.1:1' },",
                "5: listen.api: found \"127.0.0.1\"; allowed: ADDRESS:PORT"
            ),
            (5, "listen: { api: 'localhost:1', mesh: '127.0.0.1:1' },", "5: listen.api: found \"localhost:1\""),
            (5, "listen: { api: '127.0.0.1:65536', mesh: '127.0.0.1:1' },", "port 0 to 65535"),
            (5, "listen: { api: '::1:80', mesh: '127.0.0.1:1' },", "5: listen.api: found \"::1:80\""),
            (
                5, "listen: { api: '127.0.0.1:5', mesh: '127.0.0.1:5' },",
                "5: listen.mesh: found \"127.0.0.1:5\", which line 5 has"
            ),
            (
                5, "listen: { api: '10.1.2.3:1', mesh: '127.0.0.1:1' },",
                "5: listen.api: found \"10.1.2.3:1\", where tokens would"
            ),
            (
                5, "listen: { api: '10.1.2.3:1', mesh: '127.0.0.1:1' },",
                "loopback address such as 127.0.0.1, or a certificate in `tls`"
            ),
            (5, "listen: { api: '10.1.2.3:1', mesh: '127.0.0.1:1' },", "or the proxies in front of it in `trustedProxies`"),
            (5, "listen: { api: '[::]:1', mesh: '127.0.0.1:1' },", "5: listen.api: found \"[::]:1\", where tokens would"),
            (5, "listen: { api: '127.0.0.1:1', mesh: '127.0.0.1:2', admin: '10.0.0.1:3' },", "5: listen.admin: found"),
            (
                5, "listen: { api: '127.0.0.1:1', mesh: '0.0.0.0:2' },",
                "5: listen.mesh: found \"0.0.0.0:2\", which nobody can dial"
            ),
            (
                8, "advertise: { api: 'http://h/v1' },",
                "8: advertise.api: found \"http://h/v1\"; allowed: http://HOST[:PORT]"
            ),
            (8, "advertise: { mesh: 'http://h' },", "8: advertise.mesh: found \"http://h\"; allowed: https://HOST[:PORT],"),
            (8, "tls: { keyFile: 'k' },", "8: tls.certificateFile: is missing; allowed: the path of a file"),
            (
                8, "trustedProxies: ['10.0.0.1/8'],",
                "8: trustedProxies[0]: found \"10.0.0.1/8\"; allowed: an address or block"
            ),
            (8, "trustedProxies: ['10.0.0.0/33'],", "8: trustedProxies[0]"),
            (8, "trustedProxies: '::1',", "allowed: a list of at most"),
            // Trust, seeds, state
            (6, "", "1: trust: is missing; allowed: an object"), (6, "trust: {},", "6: trust.caFile: is missing"),
            (
                6, "trust: { caFile: 'a', certificateFile: 'b', keyFile: 'c', key: 'd' },",
                "6: trust.key: unknown key; did you mean `keyFile`?"
            ),
            (7, "", "stateDirectory: is missing"), (8, "seeds: ['h'],", "8: seeds[0]: found \"h\"; allowed: HOST:PORT"),
            (8, "seeds: ['h:0'],", "8: seeds[0]: found \"h:0\""), (8, "seeds: ['a b:1'],", "8: seeds[0]"),
            (8, "seeds: ['1.2.3:1'],", "8: seeds[0]"), (8, "seeds: [null],", "8: seeds[0]: found null"),
            (7, "stateDirectory: 'a\\u0000b',", "7: stateDirectory: found \"a\\u0000b\"; allowed: the path of a directory"),
            // Tokens
            (
                8, "tokens: [{ name: 'a', role: 'user', sha256: 'ab' }],",
                "8: tokens[0].sha256: found \"ab\"; allowed: a SHA-256 digest"
            ),
            (
                8, "tokens: [{ name: 'a', role: 'admin', sha256: '\(digest)' }],",
                "8: tokens[0].role: found \"admin\"; allowed: \"user\", \"viewer\", \"operator\""
            ),
            (8, "tokens: [{ name: 'a b', role: 'user', sha256: '\(digest)' }],", "8: tokens[0].name: found \"a b\""),
            (8, "tokens: [{ name: 'a', sha256: '\(digest)' }],", "8: tokens[0].role: is missing"),
            (
                8, "tokens: [{name:'a',role:'user',sha256:'\(digest)'},\n{name:'b',role:'user',sha256:'\(digest)'}],",
                "9: tokens[1].sha256: found"
            ),
            (
                8, "tokens: [{name:'a',role:'user',sha256:'\(digest)'},\n{name:'a',role:'user',sha256:'\(other)'}],",
                "9: tokens[1].name: found \"a\", which line 8"
            ),
            (
                8, "tokens: [{ name: 'a', role: 'user', token: 'x', sha256: '\(digest)' }],",
                "8: tokens[0].token: unknown key"
            ),
            // Numbers
            (8, "loops: 257,", "8: loops: found 257; allowed: an integer from 0 to 256"),
            (8, "loops: 1.5,", "8: loops: found 1.5"),
            (8, "loops: '2',", "8: loops: found \"2\""), (8, "loops: NaN,", "8: loops: found NaN"),
            (8, "loops: -1,", "8: loops: found -1"),
            (8, "limits: { bodyBytes: 10 },", "8: limits.bodyBytes: found 10; allowed: an integer from 1024 to 1073741824"),
            (8, "limits: { heldBodiesBytes: 2048 },", "8: limits.heldBodiesBytes: heldBodiesBytes is 2048"),
            (8, "limits: { connections: 0 },", "8: limits.connections: found 0"),
            (8, "limits: { queueSeconds: -1 },", "8: limits.queueSeconds"),
            (8, "limits: { queueRequests: Infinity },", "8: limits.queueRequests: found Infinity"),
            (
                8, "routing: { policy: 'fast' },",
                "8: routing.policy: found \"fast\"; allowed: \"best\", \"home\", \"latency\", \"spread\", \"pinned\""
            ),
            (8, "routing: { policy: 'pinned' },", "8: routing.policy: pinned needs sites"),
            (8, "routing: { sites: ['a'] },", "8: routing.sites: there are sites, which best has no use for"),
            (8, "routing: { policy: 'pinned', sites: ['a', 'a'] },", "8: routing.sites[1]"),
            (8, "routing: { models: [{ policy: 'home' }] },", "8: routing.models[0].id: is missing"),
            (8, "routing: { models: [{ id: 'm' }, { id: 'm' }] },", "8: routing.models[1].id"),
            (8, "routing: { polici: 'home' },", "8: routing.polici: unknown key; did you mean `policy`?"),
            (
                8, "routing: { hedge: { share: 0.03 } },",
                "8: routing.hedge.share: found 0.03; allowed: a number from 0.0001 to 0.02"
            ),
            (8, "routing: { hedge: { share: NaN } },", "8: routing.hedge.share: found NaN"),
            (
                8, "routing: { hedge: { promptTokens: 0 } },",
                "8: routing.hedge.promptTokens: found 0; allowed: an integer from 1 to 8192"
            ),
            (8, "routing: { hedge: true },", "8: routing.hedge: found true"),
            (8, "routing: { hedge: { tokens: 9 } },", "8: routing.hedge.tokens: unknown key"),
            (8, "limits: { body: 1 },", "8: limits.body: unknown key; did you mean `bodyBytes`?"),
            (
                8, "timeouts: { headSeconds: 0 },",
                "8: timeouts.headSeconds: found 0; allowed: a number of seconds from 0.1 to 300"
            ),
            (8, "timeouts: { idleSeconds: NaN },", "8: timeouts.idleSeconds: found NaN"),
            (8, "timeouts: { stallSeconds: Infinity },", "8: timeouts.stallSeconds: found Infinity"),
            (8, "timeouts: { conectSeconds: 1 },", "8: timeouts.conectSeconds: unknown key; did you mean `connectSeconds`?"),
            (8, "receipts: { recentCount: 15 },", "8: receipts.recentCount: found 15; allowed: an integer from 16 to 10000"),
            (8, "receipts: { recentBytes: 1 },", "8: receipts.recentBytes: found 1"),
            (8, "receipts: { sampledShare: 1.5 },", "8: receipts.sampledShare: found 1.5; allowed: a number from 0 to 1"),
            (8, "receipts: { keptCount: -1 },", "8: receipts.keptCount: found -1"),
            (8, "receipts: { keptBytes: 1 },", "8: receipts.keptBytes: found 1"),
            (8, "receipts: { keptDays: 0 },", "8: receipts.keptDays: found 0; allowed: an integer from 1 to 3650"),
            (8, "receipts: { kept: 9 },", "8: receipts.kept: unknown"),
            (8, "health: { intervalSeconds: 301 },", "8: health.intervalSeconds: found 301"),
            (
                8, "log: { level: 'warn' },",
                "8: log.level: found \"warn\"; allowed: \"debug\", \"info\", \"warning\", \"error\""
            ),
            (8, "fips: true,", "8: fips: found true; allowed: \"off\", \"required\""),
            (8, "log: { format: true },", "8: log.format: found true; allowed: \"text\", \"json\""),
            // Models
            (8, "models: [{}],", "8: models[0].id: is missing; allowed: a model's name"),
            (8, "models: [{ id: 'm@site' }],", "8: models[0].id: found \"m@site\""),
            (8, "models: [{ id: 'm' }],", "8: models[0].backend: is missing; allowed: an object"),
            (
                8, "models: [{ id: 'm', backend: {} }],",
                "8: models[0].backend.kind: is missing; allowed: \"openai\", \"globusCompute\", \"first\", \"simulated\""
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'vllm' } }],",
                "8: models[0].backend.kind: found \"vllm\"; allowed: \"openai\""
            ),
            (8, first(""), "8: models[0].backend.token: is missing; allowed: an object { … }, or tokenFile or tokenCommand"),
            (
                8, first("tokenFile: 't', tokenCommand: ['p']"),
                "8: models[0].backend.tokenCommand: stands beside tokenFile; allowed: one of"
            ),
            (
                8, first("tokenFile: 't'", framework: ".."),
                "8: models[0].backend.framework: found \"..\"; allowed: a name of the gateway's"
            ),
            (8, first("tokenFile: 't', walltimeSeconds: 1"), "8: models[0].backend.walltimeSeconds: found 1"),
            (
                8, first("tokenFile: 't', caFile: 'c'", url: "http://h"),
                "8: models[0].backend.caFile: stands beside an http:// url"
            ),
            (8, first("tokenCommand: 'sh'"), "8: models[0].backend.tokenCommand: found \"sh\"; allowed: a list of 1 to 64"),
            (8, first("tokenCommand: []"), "8: models[0].backend.tokenCommand: found a list of 0"),
            (8, first("tokenCommand: ['p'], tokenCommandSeconds: 0"), "8: models[0].backend.tokenCommandSeconds: found 0"),
            (8, first("tokenFile: 't', tokenCommandSeconds: 60"), "tokenCommandSeconds: stands without tokenCommand"),
            (8, first("token: {}"), "8: models[0].backend.token.clientId: is missing"),
            (
                8, first("token: { clientId: 'c', scope: '\(scope)' }"),
                "8: models[0].backend.token.secretFile: is missing; allowed: the path of a file, or secretEnvironment"
            ),
            (
                8, first("token: { clientId: 'c', secretFile: 's', secretEnvironment: 'S', scope: '\(scope)' }"),
                "8: models[0].backend.token.secretEnvironment: stands beside secretFile"
            ),
            (
                8, first("token: { clientId: 'c', secretFile: 's', scope: 'openid' }"),
                "8: models[0].backend.token.scope: found \"openid\"; allowed: a scope of one service such as https://auth.globus.org/scopes/"
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'openai', url: 'http://h', keyFile: 'k', tokenFile: 't' } }],",
                "8: models[0].backend.tokenFile: stands beside keyFile; allowed: one of keyFile, keyEnvironment, tokenFile"
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'globusCompute', endpoint: 1 } }],",
                "8: models[0].backend.endpoint: found 1; allowed: a UUID"
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'globusCompute', endpoint: 1 } }],",
                "8: models[0].backend.server: is missing its url"
            ),
            (
                8,
                "models: [{ id: 'm', backend: { kind: 'globusCompute', style: 'first', endpoint: 'facd7ccc-c5f4-42aa-916b-a0e270e2c2a9' } }],",
                "models[0].backend.apiPort: is missing"
            ),
            (
                8, "globusCompute: { clientId: 'facd7ccc-c5f4-42aa-916b-a0e270e2c2a9' },",
                "8: globusCompute.secretFile: is missing; allowed: secretFile, a file, or secretEnvironment"
            ),
            (
                8,
                "models: [{ id: 'm', backend: { kind: 'globusCompute', endpoint: 'facd7ccc-c5f4-42aa-916b-a0e270e2c2a9', server: { url: 'http://h' } } }],",
                "globusCompute: is missing, and a model has the backend globusCompute"
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'openai' } }],",
                "8: models[0].backend.url: is missing; allowed: http://HOST[:PORT][/PATH]"
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'openai', url: 'ftp://h' } }],",
                "8: models[0].backend.url: found \"ftp://h\""
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'openai', url: 'http://u:p@h' } }],",
                "8: models[0].backend.url: found"
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'openai', url: 'http://h/?a' } }],",
                "8: models[0].backend.url: found"
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'simulated', url: 'http://h', slots: 1 } }],",
                "8: models[0].backend.slots: unknown key"
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'openai', url: 'http://h', keyFile: 'a', keyEnvironment: 'B' } }],",
                "8: models[0].backend.keyEnvironment: stands beside keyFile"
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'openai', url: 'http://h', keyEnvironment: '1B' } }],",
                "8: models[0].backend.keyEnvironment: found \"1B\""
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'openai', url: 'http://h', caFile: 'a' } }],",
                "8: models[0].backend.caFile: stands beside an http:// url"
            ),
            (
                8, "models: [{ id: 'm', backend: { kind: 'openai', url: 'http://h', slots: 0 } }],",
                "8: models[0].backend.slots: found 0"
            ),
            (
                8, "\(model) },\n{ id: 'm', backend: { kind: 'simulated', url: 'http://h' } }],",
                "9: models[1].id: found \"m\", which line 8 has already"
            ),
            (8, "\(model),\naliases: ['m'] }],", "9: models[0].aliases[0]: found \"m\", which line 8"),
            (8, "\(model), aliases: 'x' }],", "8: models[0].aliases: found \"x\"; allowed: a list"),
            (8, "\(model), contextTokens: 0 }],", "8: models[0].contextTokens: found 0; allowed: an integer from 1"),
            (8, "\(model), capabilities: ['chatt'] }],", "8: models[0].capabilities[0]: found \"chatt\"; allowed: \"chat\""),
            (8, "\(model), capabilities: ['chat', 'chat'] }],", "8: models[0].capabilities[1]: found \"chat\", which"),
            (8, "\(model), policy: 'all' }],", "8: models[0].policy: found \"all\"; allowed: \"federation\", \"local\""),
            (8, "\(model), dtype: 'b f' }],", "8: models[0].dtype: found \"b f\""),
            (8, "\(model), context: 5 }],", "8: models[0].context: unknown key; did you mean `contextTokens`?"),
            (8, "loops: 1 2,", "8: found \"2\"; allowed: \",\" or \"}\""),
            (8, "site;", "8: site: found \";\"; allowed: \":\""),
        ])
    func rules(line: Int, text: String, expected: String) {
        let error = #expect(throws: ConfigurationErrors.self) { try decode(changed(line: line, to: text)) }
        let lines = error?.description.split(separator: "\n").map(String.init) ?? []
        // A fragment that begins with a line number is the beginning of a line of the output.
        let begins = expected.first?.isNumber == true
        #expect(
            lines.contains { begins ? $0.hasPrefix("node.json5:\(expected)") : $0.contains(expected) },
            "\(error?.description ?? "no error")")
    }

    @Test(
        "what the rules allow",
        arguments: [
            "tls: { certificateFile: 'c', keyFile: 'k' },", "trustedProxies: ['10.0.0.0/8', '::1', 'fe80::/10'],",
        ])
    func protectedListeners(text: String) throws {
        let open = "listen: { api: '0.0.0.0:0', mesh: '[::]:0' }, advertise: { api: 'https://h', mesh: 'https://h:8201' },"
        let node = try decode(changed(line: 5, to: open + text))
        #expect(!node.listen.api.isLoopback && node.advertise.mesh == "https://h:8201")
    }

    @Test("all errors of a file are collected, by line, and no more than 20 kept")
    func collected() {
        let bad = "{ federation: 1,\n site: 2,\n trust: [],\n bogus: 1,\n loops: -1 }"
        let error = #expect(throws: ConfigurationErrors.self) { try decode(bad) }
        #expect(
            error?.errors.map(\.field) == [
                "node", "listen", "stateDirectory", "federation", "site", "trust", "bogus", "loops",
            ])
        #expect(error?.errors.map(\.line) == [1, 1, 1, 1, 2, 3, 4, 5])
        let many = changed(to: (1...30).map { "unknown\($0): 1," }.joined(separator: "\n"))
        let cut = #expect(throws: ConfigurationErrors.self) { try decode(many) }
        #expect(cut?.errors.count == 20 && cut?.omitted == 10)
        #expect(cut?.description.hasSuffix("node.json5: and 10 more") == true)
    }

    @Test("counts are limited", arguments: [("tokens", 256), ("seeds", 64), ("trustedProxies", 64), ("models", 256)])
    func counts(key: String, most: Int) throws {
        func item(_ number: Int) -> String {
            switch key {
            case "tokens": "{name:'t\(number)',role:'user',sha256:'\(numbered(number))'}"
            case "seeds": "'h:\(number + 1)'"
            case "trustedProxies": "'10.0.0.\(number)'"
            default: "{id:'m\(number)',backend:{kind:'simulated',url:'http://h'}}"
            }
        }
        func file(_ count: Int) -> String { changed(to: "\(key): [\((0..<count).map(item).joined(separator: ","))],") }
        _ = try decode(file(most))
        let error = #expect(throws: ConfigurationErrors.self) { try decode(file(most + 1)) }
        #expect(
            error?.description == "node.json5:8: \(key): found a list of \(most + 1); allowed: a list of at most \(most)")
    }

    @Test("errors as JSON")
    func json() {
        let error = ConfigurationError(file: "a\"b", line: 3, column: 4, field: "x.y", message: "found \"z\"")
        #expect(
            ConfigurationErrors([error]).json
                == #"[{"file":"a\"b","line":3,"column":4,"field":"x.y","message":"found \"z\""}]"#)
    }
}

private let digest = String(repeating: "ab", count: 32)
private let other = String(repeating: "cd", count: 32)
private func numbered(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 64 - digits.count) + digits
}
