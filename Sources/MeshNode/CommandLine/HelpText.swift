/// Help, made from the table of commands.
enum HelpText {
    /// What `meshnode --help` shows.
    static var program: String {
        let commands = CommandSpecification.all.filter { !$0.isStandIn }
        let standIns = CommandSpecification.all.filter(\.isStandIn)
        return """
            meshnode: every site of a federation runs it; any node answers for all of them

            Usage: meshnode COMMAND [OPTIONS]

            Commands:
            \(table(commands.map { (usage($0), $0.summary) }))

            Stand-ins, which demo and up start by themselves:
            \(table(standIns.map { ($0.name.rawValue, $0.summary) }))

            Options:
            \(table([OptionSpecification.help, .version].map { ($0.name, $0.summary) }))

            meshnode COMMAND --help says more about a command.

            """
    }

    /// What `meshnode COMMAND --help` shows.
    static func command(_ command: CommandSpecification) -> String {
        var text = "meshnode \(command.name.rawValue): \(command.summary)\n\n"
        text += "Usage: meshnode \(usage(command))\(command.options.isEmpty ? "" : " [OPTIONS]")\n"
        if !command.discussion.isEmpty { text += "\n\(command.discussion)\n" }
        if !command.positionals.isEmpty {
            text += "\nArguments:\n\(table(command.positionals.map { ($0.name, $0.summary) }))\n"
        }
        let options = command.options + [.help]
        return text + "\nOptions:\n\(table(options.map { (form($0), summary($0)) }))\n"
    }

    /// What `meshnode GROUP --help` shows, for commands of two words.
    static func group(_ word: String) -> String {
        let commands = CommandSpecification.all.filter { $0.name.words.first == word }
        let rows = commands.map { ($0.name.words.dropFirst().joined(separator: " "), $0.summary) }
        return "Usage: meshnode \(word) COMMAND [OPTIONS]\n\nCommands:\n\(table(rows))\n"
    }

    private static func usage(_ command: CommandSpecification) -> String {
        let required = command.options.filter(\.isRequired).map(form)
        var names = command.positionals.map(\.name)
        if command.lastIsOptional, let last = names.popLast() { names.append("[\(last)]") }
        if command.lastRepeats, let last = names.popLast() { names.append("\(last)...") }
        return ([command.name.rawValue] + names + required).joined(separator: " ")
    }

    private static func form(_ option: OptionSpecification) -> String {
        option.placeholder.isEmpty ? option.name : "\(option.name) \(option.placeholder)"
    }

    private static func summary(_ option: OptionSpecification) -> String {
        if option.isRequired { return "\(option.summary) (required)" }
        return option.fallback.map { "\(option.summary) (default: \($0))" } ?? option.summary
    }

    private static func table(_ rows: [(name: String, summary: String)]) -> String {
        // What is longer has its summary on a line of its own.
        let width = min((rows.map(\.name.count).max() ?? 0) + 2, widestColumn)
        return rows.map { row in
            let gap =
                row.name.count + 2 > width
                ? "\n" + String(repeating: " ", count: width + 2)
                : String(repeating: " ", count: width - row.name.count)
            return "  \(row.name)\(gap)\(row.summary)"
        }.joined(separator: "\n")
    }

    private static let widestColumn = 30
}
