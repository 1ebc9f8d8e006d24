// Who lacks what, and what of it goes first.

extension GossipMachine {
    /// The buckets in which these hashes differ from ours.
    func differing(_ theirs: [UInt64]) -> UInt64 {
        let mine = nodes.hashes.buckets
        guard theirs.count == mine.count else { return 0 }
        return mine.indices.reduce(UInt64(0)) { mine[$1] == theirs[$1] ? $0 : $0 | 1 << UInt64($1) }
    }

    /// What we hold in these buckets. The dead are listed too, so that nobody sends them to us, but never sent.
    func digest(mask: UInt64) -> [DigestEntry] {
        var entries: [DigestEntry] = []
        for digest in nodes.digests where mask & (1 << digest.origin.bucket) != 0 {
            if digest.generation > 0 { entries.append(digest) }
            if entries.count == WireLimits.entries { break }
        }
        return entries
    }

    /// What the sender of a digest lacks, and what we lack of it.
    mutating func difference(mask: UInt64, _ theirs: [DigestEntry], with peer: NodeID) -> Delta {
        var listed = HashIndex(capacity: theirs.count)
        var wants: [DigestEntry] = []
        for (index, entry) in theirs.enumerated() {
            let isFirst = listed[entry.origin] == nil
            listed[entry.origin] = index
            guard isFirst else { continue }
            let mine = held(of: entry.origin)
            if mine.isBehind(entry), !isBuried(entry), !isBeingFetched(entry) { wants.append(mine) }
        }
        let hash = peer.digestHash
        var candidates: [Candidate] = []
        for (slot, mine) in nodes.digests.enumerated() where mask & (1 << mine.origin.bucket) != 0 {
            let origin = mine.origin
            guard nodes.isShared(slot) || origin == hash else { continue }
            let theirs = listed[origin].map { theirs[$0] } ?? DigestEntry(origin: origin)
            if theirs.isBehind(mine) { candidates.append(Candidate(hash: origin, theirs: theirs)) }
        }
        mingle(&candidates)
        var delta = items(of: candidates, for: peer)
        // What comparing finds is the last to use up the budget.
        let most = min(WireLimits.entries, budget.allowance(.comparison, settings) / DigestEntry.byteCount)
        delta.wants = Array(wants.prefix(most))
        return delta
    }

    /// The records asked for.
    mutating func wanted(_ wants: [DigestEntry], by peer: NodeID, isNews: Bool) -> Delta {
        let hash = peer.digestHash
        var seen: Set<UInt64> = []
        var candidates: [Candidate] = []
        for want in wants.prefix(WireLimits.entries) where seen.insert(want.origin).inserted {
            guard let slot = nodes.slot(of: want.origin), nodes.isShared(slot) || want.origin == hash,
                want.isBehind(nodes.digests[slot])
            else { continue }
            candidates.append(Candidate(hash: want.origin, theirs: want))
        }
        mingle(&candidates)
        var delta = items(of: candidates, for: peer)
        delta.isNews = isNews
        return delta
    }

    /// Announced versions that we lack and that are not on their way already.
    mutating func wantsOfNews(_ theirs: [DigestEntry], from peer: NodeID) -> [DigestEntry] {
        let hash = peer.digestHash
        var promised = fetches.values.reduce(0) { $1.from == hash ? $0 + 1 : $0 }
        var wants: [DigestEntry] = []
        let most = min(WireLimits.entries, budget.allowance(.state, settings) / DigestEntry.byteCount)
        for entry in theirs {
            guard wants.count < most else { break }
            let mine = held(of: entry.origin)
            guard mine.isBehind(entry), !isBuried(entry) else { continue }
            guard !isBeingFetched(entry) else {
                noteOther(hash, for: entry.origin)
                continue
            }
            // A promise that is not kept costs us little: few are counted on.
            if promised < GossipMachine.promisesAllowed, fetches.count < WireLimits.entries {
                promised += 1
                fetches[entry.origin] = Fetch(
                    expected: entry, from: hash, until: now.adding(seconds: settings.fetchPatienceSeconds))
            }
            wants.append(mine)
        }
        return wants
    }

    /// Remembers who else has what is on its way.
    private mutating func noteOther(_ peer: UInt64, for origin: UInt64) {
        guard let fetch = fetches[origin], fetch.other == nil, fetch.from != peer else { return }
        fetches[origin]?.other = peer
        fetchDueAt = min(fetchDueAt ?? fetch.until, fetch.until)
    }

    /// Records of one peer that are counted on to come.
    private static let promisesAllowed = 64

    /// Whether an announced version as new as this is on its way from another peer.
    private func isBeingFetched(_ entry: DigestEntry) -> Bool {
        guard let fetch = fetches[entry.origin] else { return false }
        return fetch.until > now && !fetch.expected.isBehind(entry)
    }

    /// What a peer gets that is not known here: who we are and a few others, with whom it can go on, and the question who it is. Little
    /// enough that a seed can bear a thousand at once; all others hear of it from here and come to it.
    mutating func introduction(of peer: NodeID) -> Delta {
        let strangers = random.pick(GossipMachine.introduced, of: nodes.live).map { nodes.entries[$0].hash }
        var delta = items(of: ([myHash] + strangers).map { Candidate(hash: $0, theirs: DigestEntry(origin: $0)) }, for: peer)
        {
            $0 == .identity
        }
        // It goes on at once, with us or with one of those.
        delta.hasMore = !delta.items.isEmpty
        delta.wants = [DigestEntry(origin: peer.digestHash)]
        return delta
    }

    /// Others that a newcomer is told of.
    private static let introduced = 4

    /// All records of one node that pass.
    func items(of hash: UInt64, where isWanted: (RecordKind, Version) -> Bool) -> [DeltaItem] {
        guard let entry = nodes[hash] else { return [] }
        return RecordKind.allCases.compactMap { kind in
            guard let signed = entry[kind], isWanted(kind, signed.record.version) else { return nil }
            return DeltaItem(origin: entry.hash, kind: kind, version: signed.record.version, token: signed.token)
        }
    }

    func held(of origin: UInt64) -> DigestEntry { nodes.digest(of: origin) ?? DigestEntry(origin: origin) }

    /// Whether it is of a generation that is over here.
    private func isBuried(_ digest: DigestEntry) -> Bool {
        if let grave = tombstones[digest.origin] { return digest.generation <= grave.generation }
        guard let slot = nodes.slot(of: digest.origin), digest.origin != myHash else { return false }
        let state = nodes.entries[slot].state
        return (state == .dead || state == .left) && digest.generation <= nodes.entries[slot].generation
    }

    /// A node of which the other side lacks something.
    private struct Candidate {
        let hash: UInt64
        let theirs: DigestEntry
    }

    /// Ourselves first, then the others from a random one on: whoever gets parts from several gets different ones.
    private mutating func mingle(_ candidates: inout [Candidate]) {
        guard candidates.count > 1 else { return }
        let start = Int.random(in: 0..<candidates.count, using: &random)
        candidates = Array(candidates[start...] + candidates[..<start])
        if let own = candidates.firstIndex(where: { $0.hash == myHash }) { candidates.swapAt(0, own) }
    }

    /// What of these is newer than what the other side holds: identities first, then catalogs, then loads, within the limits of bytes
    /// and records and what the budget leaves to each kind; one record always fits the limit. The dead go to nobody but themselves.
    private mutating func items(
        of candidates: [Candidate], for peer: NodeID, where isWanted: (RecordKind) -> Bool = { _ in true }
    ) -> Delta {
        var delta = Delta()
        var bytes = settings.requestOverheadBytes + Delta.headBytes
        let part = standings[peer.digestHash]?.replyAllowance(settings, now: now) ?? .max
        for kind in RecordKind.allCases where isWanted(kind) {
            let most = min(budget.allowance(kind.urgency, settings), part)
            let allowance = min(settings.deltaBytes, most)
            for candidate in candidates {
                guard let slot = nodes.slot(of: candidate.hash), let signed = nodes.entries[slot][kind],
                    candidate.theirs.lacks(kind, signed.record.version)
                else { continue }
                bytes += signed.token.count + DeltaItem.headBytes
                let isFirst = delta.items.isEmpty && bytes <= most
                guard isFirst || (bytes <= allowance && delta.items.count < settings.deltaRecords) else {
                    // Where nothing fits, asking again at once is no use.
                    delta.hasMore = !delta.items.isEmpty
                    counters.deltasCut += 1
                    return delta
                }
                delta.items.append(
                    DeltaItem(
                        origin: candidate.hash, kind: kind, version: signed.record.version, token: signed.token))
                counters.recordsSent += 1
            }
        }
        return delta
    }
}
