import Gossip
import Simulation

extension Expectation {
    var row: ConfigurationRow {
        var row = ConfigurationRow()
        row.field("that", form.rawValue)
        switch kind {
        case .converged(let after, let seconds):
            row.field("after", after)
            row.field("withinSeconds", seconds)
        case .seen(let mark, let share, let seconds):
            row.field("mark", mark)
            row.field("share", share)
            row.field("withinSeconds", seconds)
        case .detected(let group, let states, let share, let after, let seconds):
            row.field("group", group)
            row.field("states", states.map(\.rawValue))
            row.field("share", share)
            row.field("after", after)
            row.field("withinSeconds", seconds)
        case .atEnd(let group, let states):
            row.field("group", group)
            row.field("states", states.map(\.rawValue))
        case .falseDeaths(let most, let outside, let from, let to):
            row.field("atMost", most)
            row.field("outside", outside)
            row.field("from", from)
            row.field("to", to)
        case .bytesPerSecond(let group, let from, let to, let most),
            .exchangesPerSecond(let group, let from, let to, let most):
            row.field("group", group)
            row.field("from", from)
            row.field("to", to)
            row.field("atMost", most)
        case .bytesFor(let from, let to, let most):
            row.field("from", from)
            row.field("to", to)
            row.field("atMost", most)
        case .refused(let cause, let least):
            row.field("cause", cause.rawValue)
            row.field("atLeast", least)
        case .greylisted(let group, let share):
            row.field("group", group)
            row.field("share", share)
        case .recordBytes(let most): row.field("atMost", most)
        }
        return row
    }

    private var form: Form {
        switch kind {
        case .converged: .converged
        case .seen: .seen
        case .detected: .detected
        case .atEnd: .atEnd
        case .falseDeaths: .falseDeaths
        case .bytesPerSecond: .bytesPerSecond
        case .bytesFor: .bytesFor
        case .refused: .refused
        case .greylisted: .greylisted
        case .exchangesPerSecond: .exchangesPerSecond
        case .recordBytes: .recordBytes
        }
    }
}
