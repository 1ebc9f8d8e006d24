import Simulation

/// What runs with many seeds have shown together. Nothing in it depends on the machine or on the time that it took.
struct SeedsReport {
    /// Failed seeds that are listed for people; all are in the JSON.
    private static let failedShown = 20

    var scenario: Scenario
    var range: SeedRange
    /// In the order of the seeds.
    var outcomes: [Outcome]

    private var failed: [Outcome] { outcomes.filter { $0.failure != nil } }

    /// For people.
    var text: String {
        var table = Table(["held", "expected", "least", "mean", "most"])
        for index in scenario.expectations.indices {
            let measures = outcomes.compactMap { $0.measures.indices.contains(index) ? $0.measures[index] : nil }
            let spread = Spread(measures.map(\.measured))
            let held = measures.count { $0.isHeld }
            let cells = spread.cells(measures.first?.unit ?? "")
            table.add(["\(held) of \(measures.count)", measures.first?.text ?? ""] + cells)
        }
        for index in (outcomes.first?.figures ?? []).indices {
            let figures = outcomes.compactMap { $0.figures.indices.contains(index) ? $0.figures[index] : nil }
            table.add(["", figures[0].name] + Spread(figures.map(\.value)).cells(figures[0].unit))
        }
        let failed = failed
        var text = "\(scenario.name), seeds \(range.first)..\(range.last): "
        text += "\(outcomes.count - failed.count) of \(outcomes.count) held\n\(table.text)"
        for outcome in failed.prefix(Self.failedShown) {
            text += "seed \(outcome.seed): \(outcome.failure?.text ?? "")\n"
        }
        if failed.count > Self.failedShown { text += "and \(failed.count - Self.failedShown) more\n" }
        return text
    }

    /// One object on one line.
    var json: String {
        let failures = failed.compactMap { outcome in
            outcome.failure.map { $0.json(seed: outcome.seed) }
        }
        let expectations = scenario.expectations.indices.map { index in
            let measures = outcomes.compactMap { $0.measures.indices.contains(index) ? $0.measures[index] : nil }
            let spread = Spread(measures.map(\.measured))
            return """
                {"text":\(Quoting.json(measures.first?.text ?? "")),"held":\(measures.count { $0.isHeld }),\(spread.json),\
                "aim":\(jsonNumber(measures.first?.aim)),"unit":\(Quoting.json(measures.first?.unit ?? ""))}
                """
        }
        let figures = (outcomes.first?.figures ?? []).indices.map { index in
            let figures = outcomes.compactMap { $0.figures.indices.contains(index) ? $0.figures[index] : nil }
            return """
                {"name":\(Quoting.json(figures[0].name)),\(Spread(figures.map(\.value)).json),\
                "unit":\(Quoting.json(figures[0].unit))}
                """
        }
        return """
            {"scenario":\(Quoting.json(scenario.name)),"nodes":\(scenario.nodes),\
            "seeds":{"first":\(range.first),"last":\(range.last)},"held":\(outcomes.count - failed.count),\
            "failed":[\(failures.joined(separator: ","))],\
            "expectations":[\(expectations.joined(separator: ","))],"figures":[\(figures.joined(separator: ","))]}

            """
    }
}

/// The least, the mean and the most of what was measured, without what was never measured.
struct Spread: Equatable {
    var least: Double?
    var mean: Double?
    var most: Double?

    init(_ values: [Double?]) {
        let known = values.compactMap { $0 }
        least = known.min()
        most = known.max()
        mean = known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
    }

    func cells(_ unit: String) -> [String] {
        [least, mean, most].map { $0.map { "\(readable($0)) \(unit)" } ?? "never" }
    }

    var json: String {
        "\"least\":\(jsonNumber(least)),\"mean\":\(jsonNumber(mean)),\"most\":\(jsonNumber(most))"
    }
}
