/// How often a submit is asked for: arrivals in slots of a quarter of a second, over the last ten seconds.
struct ArrivalRate: Sendable {
    private static let slotNanoseconds: UInt64 = 250_000_000
    private static let slots = 40
    private static let recentSlots = 8

    private var counts = [UInt32](repeating: 0, count: slots)
    private var slot: UInt64 = 0

    mutating func count(at now: UInt64) {
        advance(to: now)
        counts[Int(slot % UInt64(Self.slots))] += 1
    }

    /// Arrivals a second: of the last two seconds or the last ten, whichever is more, so that a rise is seen soon.
    mutating func perSecond(at now: UInt64) -> Double {
        advance(to: now)
        var recent: UInt32 = 0
        for back in 0..<UInt64(Self.recentSlots) where back <= slot {
            recent += counts[Int((slot - back) % UInt64(Self.slots))]
        }
        return max(Double(recent) / 2, Double(counts.reduce(0, +)) / 10)
    }

    private mutating func advance(to now: UInt64) {
        let current = now / Self.slotNanoseconds
        guard current > slot else { return }
        for step in 0..<min(current - slot, UInt64(Self.slots)) { counts[Int((current - step) % UInt64(Self.slots))] = 0 }
        slot = current
    }
}

/// splitmix64 (Steele, Lea, Flood 2014): jitter needs no more.
struct JitterGenerator: Sendable {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    /// Uniform in 0 ..< 1.
    mutating func unit() -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53
    }
}
