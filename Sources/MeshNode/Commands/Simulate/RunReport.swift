import Simulation

/// What one run of a scenario has shown. Nothing in it depends on the machine or on the time that it took.
struct RunReport {
    var scenario: Scenario
    var outcome: Outcome

    /// For people.
    var text: String {
        var table = Table(["", "expected", "measured"])
        for measure in outcome.measures {
            table.add([measure.isHeld ? "held" : "BROKE", measure.text, measure.measuredText])
        }
        for figure in outcome.figures { table.add(["", figure.name, "\(readable(figure.value)) \(figure.unit)"]) }
        let seconds = readable(outcome.virtualSeconds)
        let head = "\(scenario.name), seed \(outcome.seed): \(scenario.nodes) nodes, \(seconds) s, \(outcome.events) events"
        return "\(head)\n\(table.text)"
    }

    /// One object on one line.
    var json: String {
        let seed = outcome.seed
        let expectations = outcome.measures.map { measure in
            """
            {"text":\(Quoting.json(measure.text)),"held":\(measure.isHeld),"measured":\(jsonNumber(measure.measured)),\
            "aim":\(jsonNumber(measure.aim)),"unit":\(Quoting.json(measure.unit))}
            """
        }
        let figures = outcome.figures.map { figure in
            """
            {"name":\(Quoting.json(figure.name)),"value":\(jsonNumber(figure.value)),"unit":\(Quoting.json(figure.unit))}
            """
        }
        return """
            {"scenario":\(Quoting.json(scenario.name)),"nodes":\(scenario.nodes),"seed":\(seed),\
            "held":\(outcome.failure == nil),\
            "failure":\(outcome.failure.map { $0.json(seed: seed) } ?? "null"),\
            "virtualSeconds":\(jsonNumber(outcome.virtualSeconds)),"events":\(outcome.events),\
            "fingerprint":"\(String(outcome.fingerprint, radix: 16))",\
            "expectations":[\(expectations.joined(separator: ","))],"figures":[\(figures.joined(separator: ","))]}

            """
    }
}

extension Failure {
    /// What broke, at which step, and the seed.
    func line(seed: UInt64) -> String {
        "\(text); step \(step.map { "\($0)" } ?? "none"), \(readable(seconds)) s, seed \(seed)"
    }

    func json(seed: UInt64) -> String {
        """
        {"text":\(Quoting.json(text)),"step":\(step.map { "\($0)" } ?? "null"),\
        "atSeconds":\(jsonNumber(seconds)),"seed":\(seed)}
        """
    }
}

extension Measure {
    var measuredText: String { measured.map { "\(readable($0)) \(unit)" } ?? "never" }
}

/// A number of JSON to the millionth; null for the unknown.
func jsonNumber(_ number: Double?) -> String {
    guard let number, number.isFinite else { return "null" }
    return ConfigurationCursor.text(of: number.magnitude < 1e9 ? (number * 1e6).rounded() / 1e6 : number)
}

/// A number with three digits that matter, for people.
func readable(_ number: Double) -> String {
    let digits = number.magnitude >= 100 ? 1.0 : number.magnitude >= 10 ? 10.0 : number.magnitude >= 1 ? 100.0 : 1000.0
    return ConfigurationCursor.text(of: (number * digits).rounded() / digits)
}
