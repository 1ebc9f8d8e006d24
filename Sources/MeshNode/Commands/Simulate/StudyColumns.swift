import Simulation

/// A study's figures as a table for people: seconds, and how many times the oracle's they are.
struct StudyColumns {
    private let table: StudyTable

    init(_ table: StudyTable) { self.table = table }

    private var oracle: StudyTable.Row? { table.rows.first { $0.placement == .oracle } }

    private static let times: [(StudyMeasure, String)] = [
        (.waitMean, "wait s"), (.waitP99, "p99"), (.completionMean, "done s"), (.completionP99, "p99"),
    ]

    /// What is worth a column beside times: the rest is nothing in all rows.
    private var others: [(StudyMeasure, String)] {
        let all: [(StudyMeasure, String)] = [
            (.refusals, "refused"), (.away, "away"), (.cacheHits, "cached"), (.failures, "failed"),
            (.interrupted, "cut off"),
        ]
        return all.filter { measure, _ in table.rows.contains { $0[measure] != 0 } }
    }

    var text: String {
        let hasViews = table.study.views.count > 1
        var header = ["", hasViews ? "view s" : nil].compactMap { $0 }
        for (_, name) in Self.times { header += oracle == nil ? [name] : [name, "x"] }
        var out = Table(header + others.map(\.1))
        for row in table.rows {
            var cells = [row.placement.rawValue]
            if hasViews { cells.append(row.view.map(ConfigurationCursor.text) ?? "any") }
            for (measure, _) in Self.times {
                cells.append(readable(row[measure]))
                if let oracle { cells.append(readable(StudyTable.ratio(row[measure], oracle[measure]))) }
            }
            for (measure, _) in others {
                let isShare = measure == .away || measure == .cacheHits
                cells.append(isShare ? "\(readable(row[measure] * 100)) %" : readable(row[measure]))
            }
            out.add(cells)
        }
        return out.text
    }
}
