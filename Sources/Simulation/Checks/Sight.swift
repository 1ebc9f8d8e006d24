import Gossip

/// One node as another shows it, and what that one may never show again. Flat, since there is one for each pair.
struct Sight {
    var generation: UInt64 = 0
    /// The highest generation that was held dead or to have left here.
    var buried: UInt64 = 0
    var identity: UInt32 = 0
    var catalog: UInt32 = 0
    var load: UInt32 = 0
    /// When it became suspect, in tenths of a second.
    var suspectAt: UInt32 = 0
    /// nil: not in the view.
    var state: NodeState?

    var digest: DigestEntry {
        DigestEntry(
            origin: 0, generation: generation, identity: UInt64(identity), catalog: UInt64(catalog), load: UInt64(load))
    }

    /// Dead, gone or not known: all one to whoever looks for nodes.
    var isGone: Bool { state == nil || state == .dead || state == .left }

    /// Counted on. A suspicion is a doubt of this observer's own, not a verdict.
    var isAlive: Bool { state == .alive || state == .suspect }

    /// What views are compared by: who is not gone, whether it answers, and in which versions it is held.
    func fingerprint(of origin: Int, withLoad: Bool) -> UInt64 {
        guard !isGone else { return 0 }
        var hash = mix64(UInt64(origin) << 1 | (isAlive ? 1 : 0))
        hash = mix64(hash ^ generation)
        hash = mix64(hash ^ UInt64(identity) << 32 ^ UInt64(catalog))
        return withLoad ? mix64(hash ^ UInt64(load)) : hash
    }

    mutating func take(_ sighting: Sighting?, at deciseconds: UInt32) {
        guard let sighting else {
            generation = 0
            identity = 0
            catalog = 0
            load = 0
            state = nil
            return
        }
        if sighting.state == .suspect, state != .suspect { suspectAt = deciseconds }
        state = sighting.state
        generation = sighting.digest.generation
        identity = UInt32(truncatingIfNeeded: sighting.digest.identity)
        catalog = UInt32(truncatingIfNeeded: sighting.digest.catalog)
        load = UInt32(truncatingIfNeeded: sighting.digest.load)
        if state == .dead || state == .left { buried = max(buried, generation) }
    }
}

/// What every node shows of every other.
struct Sights {
    let count: Int
    private var all: [Sight]

    init(nodes: Int) {
        count = nodes
        all = Array(repeating: Sight(), count: nodes * nodes)
    }

    subscript(observer: Int, origin: Int) -> Sight {
        _read { yield all[observer * count + origin] }
        _modify { yield &all[observer * count + origin] }
    }

    /// A new life knows nothing, and has buried nobody.
    mutating func clear(_ observer: Int) {
        for origin in 0..<count { all[observer * count + origin] = Sight() }
    }
}
