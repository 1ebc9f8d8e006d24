import Gossip

/// Where a request's prompt may lie in a cache already.
extension Choice {
    struct Affine {
        let index: Int
        /// It ran there: not a guess of where it would have gone.
        let isKnown: Bool
        /// Seconds of reading that this saves.
        let savedSeconds: Double
    }

    /// The place that has seen the request's beginning before; where that is not known, the place that all nodes would take for it.
    ///
    /// Rendezvous hashing (Thaler and Ravishankar 1998) with bounded load (Mirrokni, Thorup and Zadimoghaddam 2018): the first in the order that the key gives
    /// to the places of which is more likely free than not, so that no place is loaded beyond its slots for the sake of its cache.
    func affine(_ field: Field, _ candidates: [Candidate], _ needs: RequestNeeds) -> Affine? {
        guard needs.affinity != 0, needs.policy == .best || needs.policy == .latency else { return nil }
        let saved = Double(needs.promptTokens) / settings.promptTokensPerSecond
        var best: Int?
        var bestWeight: UInt64 = 0
        Field.forEach(in: field.all) { index in
            let tag = candidates[index].tag
            let weight =
                tag == needs.servedBy
                ? UInt64.max : Self.mix(needs.affinity ^ UInt64(tag) &* 0x9e37_79b9_7f4a_7c15) >> 1
            guard best == nil || weight > bestWeight, field.readings[index].chance > 0.5 else { return }
            best = index
            bestWeight = weight
        }
        return best.map { index in
            let isKnown = candidates[index].tag == needs.servedBy
            // A guess is right where others with the same beginning came by other nodes: half of what it would save.
            return Affine(index: index, isKnown: isKnown, savedSeconds: isKnown ? saved : saved / 2)
        }
    }

    /// Of pinned sites the first with room, else the first.
    func pinned(_ field: Field, _ candidates: [Candidate], _ needs: RequestNeeds) -> Picked? {
        var first: Int?
        for site in needs.order ?? [] {
            for index in candidates.indices
            where field.all & (1 << UInt64(index)) != 0 && candidates[index].node.siteName == site {
                if field.readings[index].chance > 0.5 { return Picked(index: index, reason: .pinned, hasRoom: true) }
                if first == nil { first = index }
            }
        }
        return first.map { Picked(index: $0, reason: .pinned, hasRoom: false) }
    }

    /// A good mixing of 64 bits (Stafford 2011, variant 13).
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
