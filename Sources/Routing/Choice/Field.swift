import Gossip

/// What one choice works with: those that may take the request, and what is thought of each just now. It lives on the stack.
struct Field {
    /// A mask over candidates is one word.
    static let mostCandidates = 64

    /// Those that may take a request, a bit for each candidate.
    var all: UInt64
    /// Of our own federation.
    var own: UInt64
    var home: Int?
    /// Of each candidate in `all`; those of others are not to be read.
    let readings: UnsafeMutableBufferPointer<Reading>

    var count: Int { all.nonzeroBitCount }

    /// Calls `body` with the index of each candidate in a part of the field.
    @inline(__always)
    static func forEach(in part: UInt64, _ body: (Int) -> Void) {
        var rest = part
        while rest != 0 {
            body(rest.trailingZeroBitCount)
            rest &= rest - 1
        }
    }
}

/// What is thought of one candidate, worked out once for a choice that looks at it several times.
struct Reading {
    /// As reported, less what was sent there since.
    var free: Int
    var slots: Int
    var wasHeard: Bool
    /// That it has a free slot.
    var chance: Double
    var expectedFree: Double
    /// Seconds.
    var roundTrip: Double
    /// Seconds more that its first bytes take than is usual.
    var late: Double
}

extension Choice {
    /// Those that may take a request; nil: none may.
    func field(
        _ candidates: [Candidate], _ needs: RequestNeeds, tried: UInt64, _ readings: UnsafeMutableBufferPointer<Reading>,
        now: UInt64
    ) -> Field? {
        var able: UInt64 = 0
        var rested: UInt64 = 0
        var lasting: UInt64 = 0
        var own: UInt64 = 0
        var home: Int?
        var gate = Gatekeeper(needs)
        for index in candidates.indices where tried & (1 << UInt64(index)) == 0 {
            let candidate = candidates[index]
            guard gate.admits(candidate, needs, self) else { continue }
            let bit: UInt64 = 1 << UInt64(index)
            able |= bit
            let load = candidate.load.sample()
            if !isResting(load, now: now) { rested |= bit }
            if endsTooSoon(load, needs, now: now) == nil { lasting |= bit }
            if candidate.isOwn { own |= bit }
            if candidate.isLocal, home == nil { home = index }
            readings.initializeElement(at: index, to: reading(candidate, load, now: now))
        }
        guard able != 0 else { return nil }
        // A job that may end too soon is better than a place that failed a moment ago, and that is better than nothing.
        let all = rested & lasting != 0 ? rested & lasting : rested != 0 ? rested : able
        if let index = home, all & (1 << UInt64(index)) == 0 { home = nil }
        return Field(all: all, own: own & all, home: home, readings: readings)
    }

    private func reading(_ candidate: Candidate, _ load: LiveLoad.Sample, now: UInt64) -> Reading {
        let trust = trust(load, now: now)
        return Reading(
            free: load.free, slots: load.slots, wasHeard: load.heard > 0, chance: chance(load, trust, now: now),
            expectedFree: expectedFree(load, trust), roundTrip: roundTrip(candidate, load),
            late: late(load, now: now))
    }
}

/// Lets through what the hard rules let through, without looking at them where nothing can stand against a candidate: which is so for
/// almost all of them. What is not let through at once is judged by `exclusion`, which alone knows the rules.
private struct Gatekeeper {
    /// It asks nothing of a place but a context and capabilities.
    private let isPlain: Bool
    private var lastVouching: Int?
    private var lastIsTrusted = false

    init(_ needs: borrowing RequestNeeds) {
        isPlain =
            needs.sites == nil && needs.blocks == nil && needs.data.isEmpty && needs.revision == nil && needs.dtype == nil
            && needs.variant == nil && needs.policy != .pinned
    }

    mutating func admits(_ candidate: Candidate, _ needs: RequestNeeds, _ choice: Choice) -> Bool {
        if isPlain, candidate.isOpen, needs.contextTokens <= candidate.mostContextTokens,
            candidate.capabilities?.isSuperset(of: needs.capabilities) != false, isTrusted(candidate, needs)
        {
            return true
        }
        return choice.exclusion(of: candidate, for: needs) == nil
    }

    /// Whether the candidate's site takes this node's word on the user. Most sites take the same, so that one answer serves them all.
    private mutating func isTrusted(_ candidate: Candidate, _ needs: borrowing RequestNeeds) -> Bool {
        guard let vouching = candidate.vouching, !needs.ignoresAccess, let user = needs.user else { return true }
        if lastVouching != candidate.vouchingHash {
            lastVouching = candidate.vouchingHash
            lastIsTrusted = vouching.refusal(of: user.identity) == nil
        }
        return lastIsTrusted
    }
}
