import Gossip

/// The time between two marks, and what was sent in it.
struct Window {
    private let from: String?
    private let to: String?
    private let isUsed: Bool
    private var startedAt: UInt64?
    private var endedAt: UInt64?
    private var start: [Traffic] = []
    private var end: [Traffic] = []
    private var startTotal: UInt64 = 0
    private var endTotal: UInt64 = 0
    /// Bytes a second of all together before it, when nothing was asked of them; nil: not known.
    private(set) var idleRate: Double?

    init(_ kind: Expectation.Kind) {
        switch kind {
        case .bytesPerSecond(_, let from, let to, _), .exchangesPerSecond(_, let from, let to, _):
            (self.from, self.to, isUsed) = (from, to, true)
        case .bytesFor(let from, let to, _): (self.from, self.to, isUsed) = (from, to, true)
        default: (from, to, isUsed) = (nil, nil, false)
        }
    }

    /// A nil name is the beginning.
    mutating func mark(_ name: String?, at now: UInt64, total: UInt64, idle: Double?, traffics: () -> [Traffic]) {
        guard isUsed else { return }
        if name == from, startedAt == nil {
            startedAt = now
            start = traffics()
            startTotal = total
            idleRate = idle
        }
        if let name, name == to { close(at: now, total: total, traffics: traffics) }
    }

    mutating func close(at now: UInt64, total: UInt64, traffics: () -> [Traffic]) {
        guard isUsed, endedAt == nil else { return }
        endedAt = now
        end = traffics()
        endTotal = total
    }

    var seconds: Double? {
        guard let startedAt, let endedAt, endedAt > startedAt else { return nil }
        return VirtualTime.seconds(endedAt - startedAt)
    }

    /// What these nodes sent together.
    func sum(_ nodes: [Int]) -> Traffic {
        var sum = Traffic()
        for node in nodes where node < start.count && node < end.count { sum += end[node] - start[node] }
        return sum
    }

    /// What all sent beyond what they would have sent anyway; nil: that is not known.
    var beyondIdle: Double? {
        guard let seconds, let idleRate else { return nil }
        return Double(endTotal - startTotal) - idleRate * seconds
    }
}

/// Verdicts about nodes that were there, as one expectation counts them.
struct FalseDeaths {
    private let from: String?
    private let to: String?
    private let outside: Set<Int>
    private var isCounting = false
    private(set) var count = 0

    init(_ kind: Expectation.Kind, groups: [String: [Int]]) {
        guard case .falseDeaths(_, let outside, let from, let to) = kind else {
            (from, to, self.outside) = (nil, nil, [])
            return
        }
        (self.from, self.to) = (from, to)
        self.outside = Set(outside.flatMap { groups[$0] } ?? [])
    }

    mutating func mark(_ name: String?) {
        if name == from { isCounting = true }
        if let name, name == to { isCounting = false }
    }

    mutating func verdict(by observer: Int, about origin: Int) {
        guard isCounting, !outside.contains(observer), !outside.contains(origin) else { return }
        count += 1
    }
}
