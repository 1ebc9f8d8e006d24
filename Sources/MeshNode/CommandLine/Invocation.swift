/// A command with the values given to it, all of them of the kind that the table declares.
struct Invocation: Equatable, Sendable {
    var command: CommandName
    /// What follows each option's name, defaults included.
    var values: [String: String] = [:]
    /// What follows the names of options that may be given more than once.
    var lists: [String: [String]] = [:]
    var flags: Set<String> = []
    var positionals: [String: String] = [:]
    /// What followed the last of them, where it may be given more than once.
    var more: [String] = []

    func flag(_ option: OptionSpecification) -> Bool { flags.contains(option.name) }

    /// The value of an option; nil where it was not given and has no default.
    func text(_ option: OptionSpecification) -> String? { values[option.name] }
    /// The values of an option that may be given more than once; nil where it was not given.
    func list(_ option: OptionSpecification) -> [String]? { lists[option.name] }
    func integer(_ option: OptionSpecification) -> Int? { text(option).flatMap { Int($0) } }
    func number(_ option: OptionSpecification) -> Double? { text(option).flatMap { Double($0) } }

    /// The value of an argument known by its place; nil where the command has none of this name.
    func positional(_ positional: PositionalSpecification) -> String? { positionals[positional.name] }

    /// The behaviour asked of `emulate inference`.
    var simulatedServer: SimulatedServer {
        let own = SimulatedServer()
        return SimulatedServer(
            timeToFirstTokenSeconds: number(.timeToFirstToken) ?? own.timeToFirstTokenSeconds,
            tokensPerSecond: number(.tokensPerSecond) ?? own.tokensPerSecond, slots: integer(.slots) ?? own.slots,
            startupSeconds: number(.startup) ?? own.startupSeconds, failureRate: number(.failureRate) ?? own.failureRate,
            contextTokens: integer(.contextTokens) ?? own.contextTokens)
    }
}

extension SimulatedServer {
    /// The options of `emulate inference` that give this behaviour.
    var arguments: [String] {
        [
            OptionSpecification.timeToFirstToken.name, ConfigurationCursor.text(of: timeToFirstTokenSeconds),
            OptionSpecification.tokensPerSecond.name, ConfigurationCursor.text(of: tokensPerSecond),
            OptionSpecification.slots.name, "\(slots)",
            OptionSpecification.startup.name, ConfigurationCursor.text(of: startupSeconds),
            OptionSpecification.failureRate.name, ConfigurationCursor.text(of: failureRate),
            OptionSpecification.contextTokens.name, "\(contextTokens)",
        ]
    }
}

/// What the command line asks for.
enum ParsedCommand: Equatable, Sendable {
    case run(Invocation)
    /// To be printed on standard output; exit 0.
    case help(String)
    /// To print the version on standard output; exit 0.
    case version
}

/// A command line that cannot be followed: one line for standard error; exit 2.
struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    static let exitCode: Int32 = 2
    var description: String
}
