// Taking records from others. A record enters the view only here.

extension GossipMachine {
    /// A record that came another way than by gossip, such as the load in an answer. The same checks hold.
    public mutating func observe(
        token: [UInt8], from peer: NodeID, now: Instant, wallSeconds: UInt64, authority: some RecordAuthority
    ) -> [Directive] {
        begin(now, wallSeconds)
        guard let entry = nodes[peer], peer != me else { return finish() }
        if entry[.load]?.signed.token == token {
            counters.recordsKnown += 1
            return finish()
        }
        do throws(RecordRefusal) {
            let record = try open(token, identity: entry.identity, authority)
            guard record.origin == peer, record.body.kind != .identity else { throw RecordRefusal.wrongOrigin }
            try take(SignedRecord(record: record, token: token), from: peer, isNews: false, authority)
        } catch {
            refuse(error, from: peer, origin: peer)
        }
        return finish()
    }

    /// Takes what it can of a delta.
    mutating func accept(_ delta: Delta, from peer: NodeID, _ authority: some RecordAuthority) {
        for item in delta.items.prefix(WireLimits.items) {
            fetches[item.origin] = nil
            do throws(RecordRefusal) {
                try accept(item, from: peer, isNews: delta.isNews, authority)
            } catch {
                refuse(error, from: peer, origin: nodeByHash[item.origin])
            }
        }
    }

    private mutating func accept(
        _ item: DeltaItem, from peer: NodeID, isNews: Bool, _ authority: some RecordAuthority
    ) throws(RecordRefusal) {
        // 1. What is held already, or older than that, needs no opening.
        let known = nodeByHash[item.origin].flatMap { nodes[$0] }
        if let known {
            if let held = known[item.kind], held.signed.record.version == item.version, held.signed.token == item.token {
                counters.recordsKnown += 1
                return
            }
            let isOlder = item.version.generation < known.generation
            let isOlderInside =
                item.version.generation == known.generation && item.version.sequence < known.digest[item.kind]
            if known.id != me, isOlder || isOlderInside { throw .stale }
        }
        if item.kind != .identity, known == nil || known?.generation != item.version.generation, known?.id != me {
            throw .unknownOrigin
        }
        // 2. Is it what it says, and signed by whom it is about?
        let record = try open(item.token, identity: item.kind == .identity ? nil : known?.identity, authority)
        guard record.body.kind == item.kind, record.version == item.version, record.origin.digestHash == item.origin else {
            throw .malformed
        }
        try take(SignedRecord(record: record, token: item.token), from: peer, isNews: isNews, authority)
    }

    /// Everything about a record that can be told without the view.
    private mutating func open(
        _ token: [UInt8], identity: Identity?, _ authority: some RecordAuthority
    ) throws(RecordRefusal) -> Record {
        guard token.count <= settings.maximumRecordBytes else { throw .oversized }
        counters.recordsOpened += 1
        let record = try authority.open(token, identity: identity)
        guard record.federation == federation else { throw .foreignFederation }
        guard record.origin.isValid, (1...DigestEntry.maximumGeneration).contains(record.version.generation),
            (1...DigestEntry.maximumSequence(of: record.body.kind)).contains(record.version.sequence)
        else { throw .malformed }
        let (leeway, _) = wallSeconds.addingReportingOverflow(UInt64(settings.futureLeewaySeconds))
        guard record.issuedAt <= leeway else { throw .futureDated }
        if case .identity(let identity) = record.body {
            guard identity.keepsLimits else { throw .malformed }
            if isPast(identity.certificateExpires) { throw .expired }
        }
        return record
    }

    /// Takes a checked record into the view if it is newer than what is there.
    private mutating func take(
        _ signed: SignedRecord, from peer: NodeID, isNews: Bool, _ authority: some RecordAuthority
    ) throws(RecordRefusal) {
        let record = signed.record
        let kind = record.body.kind
        // 1. Our own, from an earlier life or a twin: go above it.
        if record.origin == me {
            guard record.version.generation >= generation else { return }
            if let held = nodes[me]?[kind]?.signed.record, record.version <= held.version {
                guard record.version == held.version, record != held else { return }
            }
            raiseGeneration(above: record.version.generation, authority)
            return
        }
        // 2. The dead stay dead.
        if let tombstone = tombstones[record.origin.digestHash], record.version.generation <= tombstone.generation {
            throw .buried
        }
        guard var entry = nodes[record.origin] else {
            try admit(signed, from: peer, isNews: isNews)
            return
        }
        // 3. Versions never go back; one version has one content.
        if let held = entry[kind]?.signed.record, held.version == record.version {
            // The same content signed again (signatures are randomised) is no equivocation.
            if held != record { throw .equivocation }
            counters.recordsKnown += 1
            return
        }
        guard entry.digest.lacks(kind, record.version) else { throw .stale }
        if record.version.generation == entry.generation {
            if entry.state == .dead || entry.state == .left { throw .buried }
        } else {
            guard kind == .identity else { throw .unknownOrigin }
            entry.dropRecords()
            entry.generation = record.version.generation
        }
        // 4. In.
        entry[kind] = HeldRecord(signed: signed, heardAt: now)
        entry.heardAt = now
        nodes[record.origin] = entry
        summaryCache = nil
        counters.recordsAccepted += 1
        directives.append(.changed(.record(record.origin, kind)))
        if case .identity(let identity) = record.body { setState(record.origin, identity.left ? .left : .alive) }
        passOn(record, from: peer, isNews: isNews)
    }

    /// A node not heard of before. Only its identity brings it in.
    private mutating func admit(_ signed: SignedRecord, from peer: NodeID, isNews: Bool) throws(RecordRefusal) {
        let record = signed.record
        guard case .identity(let identity) = record.body else { throw .unknownOrigin }
        guard nodeByHash[record.origin.digestHash] == nil else { throw .malformed }
        if nodes.count >= settings.maximumNodes {
            guard let oldest = peers(.dead, .left).min(by: { stateSince($0) < stateSince($1) }) else { throw .full }
            bury(oldest)
        }
        tombstones[record.origin.digestHash] = nil
        var entry = NodeEntry(id: record.origin, generation: record.version.generation, now: now)
        entry[.identity] = HeldRecord(signed: signed, heardAt: now)
        entry.state = identity.left ? .left : .alive
        insert(entry)
        probeOrder.insert(entry.id, at: Int.random(in: 0...probeOrder.count, using: &random))
        counters.recordsAccepted += 1
        directives.append(.changed(.record(entry.id, .identity)))
        directives.append(.changed(.nodeState(entry.id, from: nil, to: entry.state)))
        passOn(record, from: peer, isNews: isNews)
    }

    /// News goes on at once; what came while catching up does not, unless its origin itself brought it.
    private mutating func passOn(_ record: Record, from peer: NodeID, isNews: Bool) {
        guard record.body.kind != .load, isNews || record.origin == peer else { return }
        tell(News(origin: record.origin, from: peer))
    }

    private mutating func refuse(_ cause: RecordRefusal, from peer: NodeID, origin: NodeID?) {
        counters.refusals[cause, default: 0] += 1
        // Late and crossing records are the ordinary course of gossip.
        if cause != .stale, cause != .unknownOrigin, cause != .buried {
            directives.append(.log(.refused(cause, from: peer, origin: origin)))
        }
    }

    /// Whether a certificate's end is behind us, with the leeway for clocks.
    func isPast(_ end: UInt64) -> Bool {
        let (limit, overflow) = end.addingReportingOverflow(UInt64(settings.futureLeewaySeconds))
        return !overflow && limit < wallSeconds
    }

    private func stateSince(_ id: NodeID) -> Instant { nodes[id]?.stateSince ?? now }
}
