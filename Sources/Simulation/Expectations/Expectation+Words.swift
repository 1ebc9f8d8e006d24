import Gossip

extension Expectation.Kind {
    /// As a sentence's end: "expected …".
    var words: String {
        switch self {
        case .converged(let after, let seconds): "all views equal within \(seconds) s\(since(after))"
        case .seen(let mark, let share, let seconds): "`\(mark)` seen by \(percent(share)) within \(seconds) s"
        case .detected(let group, let states, let share, let after, let seconds):
            "`\(group)` held \(list(states)) by \(percent(share)) within \(seconds) s\(since(after))"
        case .atEnd(let group, let states): "`\(group)` held \(list(states)) by all at the end"
        case .falseDeaths(let most, let outside, let from, let to):
            "at most \(most) false deaths\(outside.map { " outside `\($0)`" } ?? "")\(span(from, to))"
        case .bytesPerSecond(let group, let from, let to, let most):
            "at most \(most) B/s sent by a node of `\(group)`\(span(from, to))"
        case .bytesFor(let from, let to, let most): "at most \(most) B sent for what happened\(span(from, to))"
        case .refused(let cause, let least): "at least \(least) records refused as \(cause.rawValue)"
        case .greylisted(let group, let share): "`\(group)` greylisted by \(percent(share)) of the others"
        case .exchangesPerSecond(let group, let from, let to, let most):
            "at most \(most) exchanges a second begun by a node of `\(group)`\(span(from, to))"
        case .recordBytes(let most): "at most \(most) B of records held by any node"
        }
    }

    private func since(_ mark: String?) -> String { mark.map { " of `\($0)`" } ?? "" }

    private func span(_ from: String?, _ to: String?) -> String {
        switch (from, to) {
        case (nil, nil): ""
        case (let from?, nil): " after `\(from)`"
        case (nil, let to?): " before `\(to)`"
        case (let from?, let to?): " between `\(from)` and `\(to)`"
        }
    }

    private func list(_ states: [NodeState]) -> String { states.map(\.rawValue).joined(separator: " or ") }

    private func percent(_ share: Double) -> String {
        share >= 1 ? "all" : "\((share * 1000).rounded() / 10) %"
    }
}
