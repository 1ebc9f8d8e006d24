/// Reads the command line by the table of commands. Secrets are never arguments: other users could read them.
///
/// Options are `--name VALUE` or `--name=VALUE`, anywhere after the command; `--` ends them.
struct CommandLineParser: Sendable {
    /// How many arguments are read, and how long one may be, in bytes.
    static let argumentsAllowed = 256
    static let argumentBytesAllowed = 8192

    /// - Parameter arguments: without the program's own name.
    static func parse(_ arguments: [String]) throws(UsageError) -> ParsedCommand {
        guard arguments.count <= argumentsAllowed, arguments.allSatisfy({ $0.utf8.count <= argumentBytesAllowed }) else {
            throw UsageError(description: "at most \(argumentsAllowed) arguments of \(argumentBytesAllowed) bytes are read")
        }
        guard let first = arguments.first else {
            throw UsageError(description: "a command is missing; allowed: \(names.joined(separator: ", ")), --help")
        }
        switch first {
        case "--help", "-h": return .help(HelpText.program)
        case "--version": return .version
        case "help": return .help(try help(about: Array(arguments.dropFirst())))
        default: break
        }
        if first.hasPrefix("-") {
            throw UsageError(
                description: "found \(Quoting.excerpt(first)); allowed before the command: --help, --version")
        }
        let (specification, rest) = try command(arguments)
        guard let specification else { return .help(HelpText.group(first)) }
        var parsing = Parsing(specification)
        return try parsing.read(rest)
    }

    private static var names: [String] {
        CommandSpecification.all.filter { !$0.isStandIn }.map(\.name.rawValue)
    }

    /// The command that the arguments begin with, and what follows it; no command for the help of a group of them.
    private static func command(_ arguments: [String]) throws(UsageError) -> (CommandSpecification?, ArraySlice<String>) {
        for specification in CommandSpecification.all where arguments.starts(with: specification.name.words) {
            return (specification, arguments.dropFirst(specification.name.words.count))
        }
        let word = arguments[0]
        let seconds = CommandSpecification.all.map(\.name.words).filter { $0.count > 1 && $0[0] == word }.map { $0[1] }
        guard seconds.isEmpty else {
            switch arguments.dropFirst().first {
            case "--help", "-h": return (nil, [])
            case nil: throw UsageError(description: "\(word): a command is missing; allowed: \(list(seconds))")
            case .some(let other):
                throw UsageError(
                    description: "\(word): unknown command \(Quoting.excerpt(other)); allowed: \(list(seconds))")
            }
        }
        let known = names + Set(CommandSpecification.all.map(\.name.words[0])).subtracting(names).sorted()
        var guess = NearMisses.question(word, among: known, quote: "")
        if guess.isEmpty { guess = "; allowed: \(list(names))" }
        throw UsageError(description: "unknown command \(Quoting.excerpt(word))\(guess)")
    }

    private static func help(about words: [String]) throws(UsageError) -> String {
        if words.isEmpty { return HelpText.program }
        let (specification, rest) = try command(words)
        if let extra = rest.first {
            throw UsageError(description: "help: found \(Quoting.excerpt(extra)) after the command")
        }
        return specification.map(HelpText.command) ?? HelpText.program
    }

    private static func list(_ words: [String]) -> String { words.joined(separator: ", ") }
}
