import Simulation

/// What steps and expectations of a scenario may name: its groups, and the moments that its steps mark.
final class ScenarioNames {
    /// All of them nodes; every scenario has it.
    static let all = "all"

    let groups: [String]
    private(set) var marks: [String] = []
    private let reserved: [String]
    private let claimed = UniqueNames()

    /// - Parameter marks: those that are there without a step.
    init(groups: [String], marks: [String]) {
        self.groups = [Self.all] + groups
        self.marks = marks
        reserved = marks
    }

    /// The name of a group that there is.
    func group(_ cursor: ConfigurationCursor) -> String { known(cursor, groups, what: "a group") }

    /// The name of a moment that a step marks. Expectations are read after the steps.
    func mark(_ cursor: ConfigurationCursor) -> String { known(cursor, marks, what: "a mark of the steps") }

    /// Names a moment.
    func newMark(_ cursor: ConfigurationCursor) -> String {
        let name = cursor.label()
        claimed.claim(name, by: cursor)
        if reserved.contains(name) { cursor.fail("found \(cursor.found), which chaos marks; allowed: another name") }
        marks.append(name)
        return name
    }

    private func known(_ cursor: ConfigurationCursor, _ names: [String], what: String) -> String {
        guard case .string(let text) = cursor.value?.content, names.contains(text) else {
            var guess = ""
            if case .string(let text) = cursor.value?.content { guess = NearMisses.question(text, among: names) }
            if guess.isEmpty { guess = names.isEmpty ? " (there is none)" : ": \(names.joined(separator: ", "))" }
            cursor.refuse(allowed: "the name of \(what)\(guess)")
            return ""
        }
        return text
    }
}
