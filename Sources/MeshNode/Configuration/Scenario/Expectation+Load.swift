import Gossip
import Simulation

extension Expectation {
    /// What is expected, as files write it.
    enum Form: String, CaseIterable {
        case converged, seen, detected, atEnd, falseDeaths, bytesPerSecond, bytesFor, refused, greylisted
        case exchangesPerSecond, recordBytes
    }

    static func decode(_ fields: ConfigurationFields, _ names: ScenarioNames, runSeconds: Double) -> Expectation {
        guard let form = fields["that"].enumeration(Form.self) else {
            fields.ignoreUnknown()
            return Expectation(.converged(after: nil, withinSeconds: 0))
        }
        return Expectation(kind(form, fields, names, runSeconds))
    }

    private static func kind(
        _ form: Form, _ fields: ConfigurationFields, _ names: ScenarioNames, _ runSeconds: Double
    ) -> Kind {
        func group() -> String { names.group(fields["group"]) }
        func mark(_ key: String) -> String? { fields[key].optional(names.mark) }
        func within() -> Double { fields["withinSeconds"].number(in: 0...runSeconds, unit: "seconds") }
        func share() -> Double { fields["share"].number(in: 0...1, default: 1) }
        func states() -> [Gossip.NodeState] {
            fields["states"].list(atLeast: 1, atMost: Gossip.NodeState.allCases.count) { item in
                item.enumeration(Gossip.NodeState.self) ?? .dead
            }
        }
        func atMost() -> Double { fields["atMost"].number(in: 0...1e15) }
        func count(_ key: String) -> Int { fields[key].integer(in: 0...1_000_000_000_000) }

        switch form {
        case .converged: return .converged(after: mark("after"), withinSeconds: within())
        case .seen: return .seen(mark: names.mark(fields["mark"]), share: share(), withinSeconds: within())
        case .detected:
            return .detected(
                group: group(), states: states(), share: share(), after: mark("after"), withinSeconds: within())
        case .atEnd: return .atEnd(group: group(), states: states())
        case .falseDeaths:
            return .falseDeaths(
                atMost: count("atMost"), outside: fields["outside"].optional(names.group), from: mark("from"),
                to: mark("to"))
        case .bytesPerSecond:
            return .bytesPerSecond(group: group(), from: mark("from"), to: mark("to"), atMost: atMost())
        case .bytesFor:
            return .bytesFor(from: names.mark(fields["from"]), to: names.mark(fields["to"]), atMost: atMost())
        case .refused:
            return .refused(
                cause: fields["cause"].enumeration(RecordRefusal.self) ?? .malformed,
                atLeast: fields["atLeast"].integer(in: 1...1_000_000_000_000, default: 1))
        case .greylisted: return .greylisted(group: group(), share: share())
        case .exchangesPerSecond:
            return .exchangesPerSecond(group: group(), from: mark("from"), to: mark("to"), atMost: atMost())
        case .recordBytes: return .recordBytes(atMost: count("atMost"))
        }
    }
}
