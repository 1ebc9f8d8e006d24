import Simulation

/// What a study has shown. Nothing in it depends on the machine or on the time that it took.
struct StudyReport {
    var table: StudyTable
    var range: SeedRange

    private var study: RoutingStudy { table.study }

    private var seeds: String {
        range.count == 1 ? "seed \(range.first)" : "seeds \(range.first)..\(range.last)"
    }

    /// The first expectation that did not hold, with what was measured.
    var failure: String? {
        table.verdicts.first { !$0.isHeld }.map { verdict in
            "\(verdict.expectation.words(in: study)): measured \(readable(verdict.measured)); step none, \(seeds)"
        }
    }

    /// For people.
    var text: String {
        let sites = study.sites.reduce(0) { $0 + $1.count }
        let load = ConfigurationCursor.text(of: study.load)
        var text = "\(study.name), \(seeds): \(sites) sites, \(study.requests) requests each, load \(load)\n\n"
        text += StudyColumns(table).text + "\n"
        var verdicts = Table(["", "expected", "measured"])
        for verdict in table.verdicts {
            let times = verdict.expectation.against == nil ? verdict.expectation.measure.unit : "x"
            verdicts.add([
                verdict.isHeld ? "held" : "BROKE", verdict.expectation.words(in: study),
                "\(readable(verdict.measured))\(times.isEmpty ? "" : " \(times)")",
            ])
        }
        return text + verdicts.text
    }

    /// One object on one line.
    var json: String {
        let rows = table.rows.map { row in
            let figures = StudyMeasure.allCases.map { "\(Quoting.json($0.rawValue)):\(jsonNumber(row[$0]))" }
            let view = row.view.map { jsonNumber($0) } ?? "null"
            return """
                {"placement":\(Quoting.json(row.placement.rawValue)),"viewSeconds":\(view),\(figures.joined(separator: ","))}
                """
        }
        let expectations = table.verdicts.map { verdict in
            let (kind, aim) =
                switch verdict.expectation.bound {
                case .atMost(let most): ("atMost", most)
                case .atLeast(let least): ("atLeast", least)
                }
            return """
                {"text":\(Quoting.json(verdict.expectation.words(in: study))),"held":\(verdict.isHeld),\
                "measured":\(jsonNumber(verdict.measured)),"\(kind)":\(jsonNumber(aim))}
                """
        }
        let sites = study.sites.reduce(0) { $0 + $1.count }
        return """
            {"study":\(Quoting.json(study.name)),"sites":\(sites),"requests":\(study.requests),\
            "seeds":{"first":\(range.first),"last":\(range.last)},"held":\(failure == nil),\
            "failure":\(failure.map { Quoting.json($0) } ?? "null"),\
            "rows":[\(rows.joined(separator: ","))],"expectations":[\(expectations.joined(separator: ","))]}

            """
    }
}

extension StudyExpectation {
    /// `best, wait.p99: at most 1.3 times oracle's`.
    func words(in study: RoutingStudy) -> String {
        let (bound, number) =
            switch self.bound {
            case .atMost(let most): ("at most", most)
            case .atLeast(let least): ("at least", least)
            }
        func view(_ subject: Subject) -> String {
            guard study.views.count > 1, subject.placement.dependsOnViews else { return "" }
            return " with views of \(ConfigurationCursor.text(of: subject.view)) s"
        }
        var words = "\(of.placement.rawValue)\(view(of)), \(measure.rawValue): \(bound) "
        words += ConfigurationCursor.text(of: number)
        guard let against else { return measure.unit.isEmpty ? words : "\(words) \(measure.unit)" }
        let whose = against.placement == of.placement ? "its own" : "\(against.placement.rawValue)'s"
        return "\(words) times \(whose)\(view(against))"
    }
}
