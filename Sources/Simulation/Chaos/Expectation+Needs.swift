import Gossip

// What an expectation needs of a script: without it, it fails because nothing happened.

extension Expectation.Kind {
    /// Groups that it names.
    var groups: [String] {
        if case .falseDeaths(_, let outside?, _, _) = self { return [outside] }
        return subject.map { [$0] } ?? []
    }

    /// The group that it is about; nil: none.
    var subject: String? {
        switch self {
        case .detected(let group, _, _, _, _), .atEnd(let group, _), .bytesPerSecond(let group, _, _, _),
            .greylisted(let group, _), .exchangesPerSecond(let group, _, _, _):
            group
        case .converged, .seen, .bytesFor, .falseDeaths, .refused, .recordBytes: nil
        }
    }

    /// Moments that it names.
    var marks: [String] {
        switch self {
        case .converged(let after, _), .detected(_, _, _, let after, _): [after].compactMap { $0 }
        case .seen(let mark, _, _): [mark]
        case .bytesFor(let from, let to, _): [from, to]
        case .falseDeaths(_, _, let from, let to), .bytesPerSecond(_, let from, let to, _),
            .exchangesPerSecond(_, let from, let to, _):
            [from, to].compactMap { $0 }
        case .atEnd, .refused, .greylisted, .recordBytes: []
        }
    }

    /// Whether it fails where its group is left alone.
    var asksForTrouble: Bool {
        switch self {
        case .detected(_, let states, _, _, _), .atEnd(_, let states): !states.contains(.alive)
        case .greylisted: true
        default: false
        }
    }
}
