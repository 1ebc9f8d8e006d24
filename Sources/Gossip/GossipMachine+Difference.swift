// Who lacks what, and what of it goes first.

extension GossipMachine {
    /// Hashes of everything shared; kept until something changes.
    mutating func viewHashes() -> ViewHashes {
        if let summaryCache { return summaryCache }
        var hashes = ViewHashes()
        for id in order {
            guard let entry = nodes[id], entry.isShared else { continue }
            let digest = entry.digest
            hashes.buckets[digest.bucket] ^= digest.fingerprint
            hashes.nodes += 1
        }
        summaryCache = hashes
        return hashes
    }

    /// The buckets in which these hashes differ from ours.
    mutating func differing(_ theirs: [UInt64]) -> UInt64 {
        let mine = viewHashes().buckets
        guard theirs.count == mine.count else { return 0 }
        return mine.indices.reduce(UInt64(0)) { mine[$1] == theirs[$1] ? $0 : $0 | 1 << UInt64($1) }
    }

    /// What we hold in these buckets. The dead are listed too, so that nobody sends them to us, but never sent.
    func digest(mask: UInt64) -> [DigestEntry] {
        let entries = order.compactMap { id -> DigestEntry? in
            guard let digest = nodes[id]?.digest, digest.generation > 0 else { return nil }
            return mask & (1 << UInt64(digest.bucket)) == 0 ? nil : digest
        }
        return Array(entries.prefix(WireLimits.entries))
    }

    /// What the sender of a digest lacks, and what we lack of it.
    mutating func difference(mask: UInt64, _ theirs: [DigestEntry], with peer: NodeID) -> Delta {
        var listed: [UInt64: DigestEntry] = [:]
        var wants: [DigestEntry] = []
        for entry in theirs where listed.updateValue(entry, forKey: entry.origin) == nil {
            let mine = held(of: entry.origin)
            if mine.isBehind(entry), !isBuried(entry) { wants.append(mine) }
        }
        var delta = items(for: peer) { digest in
            mask & (1 << UInt64(digest.bucket)) == 0 ? nil : listed[digest.origin] ?? DigestEntry(origin: digest.origin)
        }
        delta.wants = Array(wants.prefix(WireLimits.entries))
        return delta
    }

    /// The records asked for.
    mutating func wanted(_ wants: [DigestEntry], by peer: NodeID, isNews: Bool) -> Delta {
        var listed: [UInt64: DigestEntry] = [:]
        for want in wants { listed[want.origin] = want }
        var delta = items(for: peer) { listed[$0.origin] }
        delta.isNews = isNews
        return delta
    }

    /// Announced versions that we lack and that are not on their way already.
    mutating func wantsOfNews(_ theirs: [DigestEntry]) -> [DigestEntry] {
        var wants: [DigestEntry] = []
        for entry in theirs {
            let mine = held(of: entry.origin)
            guard mine.isBehind(entry), !isBuried(entry) else { continue }
            if let fetch = fetches[entry.origin], !fetch.expected.isBehind(entry), fetch.until > now { continue }
            guard fetches.count < WireLimits.entries else { break }
            fetches[entry.origin] = Fetch(
                expected: entry, until: now.adding(seconds: settings.fetchPatienceSeconds))
            wants.append(mine)
        }
        return wants
    }

    /// All records of one node that pass.
    func items(of id: NodeID, where isWanted: (RecordKind, Version) -> Bool) -> [DeltaItem] {
        guard let entry = nodes[id] else { return [] }
        return RecordKind.allCases.compactMap { kind in
            guard let signed = entry[kind]?.signed, isWanted(kind, signed.record.version) else { return nil }
            return DeltaItem(origin: entry.hash, kind: kind, version: signed.record.version, token: signed.token)
        }
    }

    func held(of origin: UInt64) -> DigestEntry {
        nodeByHash[origin].flatMap { nodes[$0]?.digest } ?? DigestEntry(origin: origin)
    }

    /// Whether it is of a generation that is over here.
    private func isBuried(_ digest: DigestEntry) -> Bool {
        if let grave = tombstones[digest.origin] { return digest.generation <= grave.generation }
        guard let id = nodeByHash[digest.origin], let entry = nodes[id], id != me else { return false }
        return (entry.state == .dead || entry.state == .left) && digest.generation <= entry.generation
    }

    /// Records newer than what `theirs` says of their origin (nil: not asked for), identities first, then catalogs, then
    /// loads, within the budget of bytes and records; one record always fits. The dead go to nobody but themselves.
    private mutating func items(for peer: NodeID, theirs: (DigestEntry) -> DigestEntry?) -> Delta {
        let candidates = order.compactMap { id -> (entry: NodeEntry, theirs: DigestEntry)? in
            guard let entry = nodes[id], entry.isShared || id == peer, let theirs = theirs(entry.digest) else { return nil }
            return theirs.isBehind(entry.digest) ? (entry, theirs) : nil
        }
        var delta = Delta()
        var bytes = 0
        for kind in RecordKind.allCases {
            for candidate in candidates {
                guard let signed = candidate.entry[kind]?.signed, candidate.theirs.lacks(kind, signed.record.version) else {
                    continue
                }
                bytes += signed.token.count
                guard delta.items.isEmpty || (bytes <= settings.deltaBytes && delta.items.count < settings.deltaRecords)
                else {
                    delta.hasMore = true
                    return delta
                }
                delta.items.append(
                    DeltaItem(
                        origin: candidate.entry.hash, kind: kind, version: signed.record.version, token: signed.token))
                counters.recordsSent += 1
            }
        }
        return delta
    }
}
