// Taking records from others. A record enters the view only here.

extension GossipMachine {
    /// A record that came another way than by gossip, such as the load in an answer. The same checks hold.
    public mutating func observe(
        token: [UInt8], from peer: NodeID, now: Instant, wallSeconds: UInt64, authority: some RecordAuthority
    ) -> [Directive] {
        begin(now, wallSeconds)
        guard let entry = nodes[peer], peer != me else { return finish() }
        if entry.loadRecord?.token == token {
            counters.recordsKnown += 1
            return finish()
        }
        do throws(RecordRefusal) {
            let signed = try open(token, identity: entry.identityRecord, authority)
            guard signed.record.origin == peer, signed.record.body.kind != .identity else { throw RecordRefusal.wrongOrigin }
            try take(signed, from: peer, isNews: false, authority)
        } catch {
            refuse(error, from: peer, origin: peer)
        }
        return finish()
    }

    /// Takes what it can of a delta.
    mutating func accept(_ delta: Delta, from peer: NodeID, _ authority: some RecordAuthority) {
        for item in delta.items.prefix(settings.deltaRecords) {
            fetches[item.origin] = nil
            guard mayOpen(of: peer) else {
                counters.openingsPutOff += 1
                return
            }
            do throws(RecordRefusal) {
                try accept(item, from: peer, isNews: delta.isNews, authority)
            } catch {
                refuse(error, from: peer, origin: nodes[item.origin]?.id, isOwn: item.origin == peer.digestHash)
                // What follows from a peer that was found out just now is not looked at.
                if isGreylisted(peer) { return }
            }
        }
    }

    private mutating func accept(
        _ item: DeltaItem, from peer: NodeID, isNews: Bool, _ authority: some RecordAuthority
    ) throws(RecordRefusal) {
        // 1. What is held already, or older than that, needs no opening.
        let slot = nodes.slot(of: item.origin)
        let generation = slot.map { nodes.entries[$0].generation }
        if let slot, let generation {
            let sequence = nodes.digests[slot][item.kind]
            if generation == item.version.generation, sequence == item.version.sequence,
                nodes.entries[slot][item.kind]?.token == item.token
            {
                counters.recordsKnown += 1
                return
            }
            let isOlderInside = item.version.generation == generation && item.version.sequence < sequence
            if item.origin != myHash, item.version.generation < generation || isOlderInside { throw .stale }
        } else if let grave = tombstones[item.origin], item.version.generation <= grave.generation {
            if item.kind == .identity, item.version.generation == grave.generation {
                try tellOfGrave(item, from: peer, authority)
            }
            throw .buried
        }
        if item.kind != .identity, generation != item.version.generation, slot == nil || item.origin != myHash {
            throw .unknownOrigin
        }
        // 2. Is it what it says, and signed by whom it is about?
        if let cause = refused.cause(of: item.token, from: peer.digestHash) {
            // Charged when it was opened.
            counters.refusals[cause, default: 0] += 1
            return
        }
        let signed = try open(
            item.token, identity: item.kind == .identity ? nil : slot.flatMap { nodes.entries[$0].identityRecord },
            authority,
            from: peer)
        guard signed.record.body.kind == item.kind, signed.record.version == item.version,
            signed.record.origin.digestHash == item.origin
        else {
            throw .malformed
        }
        try take(signed, from: peer, isNews: isNews, authority)
    }

    /// A node that we have buried lives for others: it is told, so that it returns with a higher generation. In a large mesh it might
    /// never meet us otherwise.
    private mutating func tellOfGrave(
        _ item: DeltaItem, from peer: NodeID, _ authority: some RecordAuthority
    ) throws(RecordRefusal) {
        if let told = tombstones[item.origin]?.toldAt, now.seconds(since: told) < GossipMachine.graveSpacing { return }
        guard refused.cause(of: item.token, from: peer.digestHash) == nil else { return }
        let record = try open(item.token, identity: nil, authority, from: peer).record
        guard record.origin.digestHash == item.origin, record.version == item.version else { throw .malformed }
        guard let identity = record.identity, !identity.left else { return }
        if exchange(with: Contact(node: record.origin, address: identity.mesh), .ping, .warn) {
            tombstones[item.origin]?.toldAt = now
        }
    }

    /// Seconds between two words to one node of its grave.
    private static let graveSpacing = 10.0

    /// As below; what is refused for what it is will not be opened again for the same peer.
    private mutating func open(
        _ token: [UInt8], identity: SignedRecord?, _ authority: some RecordAuthority, from peer: NodeID
    ) throws(RecordRefusal) -> SignedRecord {
        do throws(RecordRefusal) {
            return try open(token, identity: identity, authority)
        } catch {
            refused.note(token, from: peer.digestHash, error)
            throw error
        }
    }

    /// Everything about a record that can be told without the view.
    private mutating func open(
        _ token: [UInt8], identity: SignedRecord?, _ authority: some RecordAuthority
    ) throws(RecordRefusal) -> SignedRecord {
        // Each kind has its part, so that what is taken does not depend on what came first.
        let most = min(settings.maximumRecordBytes, settings.bytesPerOrigin / RecordKind.allCases.count)
        guard token.count <= most else { throw .oversized }
        counters.recordsOpened += 1
        let signed = try authority.openShared(token, identity: identity)
        guard signed.record.federation == federation else { throw .foreignFederation }
        guard signed.record.origin.isValid, (1...DigestEntry.maximumGeneration).contains(signed.record.version.generation),
            (1...DigestEntry.maximumSequence(of: signed.record.body.kind)).contains(signed.record.version.sequence)
        else { throw .malformed }
        let (leeway, _) = wallSeconds.addingReportingOverflow(UInt64(settings.futureLeewaySeconds))
        guard signed.record.issuedAt <= leeway else { throw .futureDated }
        if case .identity(let identity) = signed.record.body {
            guard identity.keepsLimits else { throw .malformed }
            if isPast(identity.certificateExpires) { throw .expired }
        }
        return signed
    }

    /// Takes a checked record into the view if it is newer than what is there.
    private mutating func take(
        _ signed: SignedRecord, from peer: NodeID, isNews: Bool, _ authority: some RecordAuthority
    ) throws(RecordRefusal) {
        let record = signed.record
        let kind = record.body.kind
        let hash = record.origin.digestHash
        // 1. Our own, from an earlier life or a twin: go above it.
        if record.origin == me {
            guard record.version.generation >= generation else { return }
            if let held = nodes[myHash]?[kind]?.record, record.version <= held.version {
                guard record.version == held.version, record != held else { return }
            }
            raiseGeneration(above: record.version.generation, authority)
            return
        }
        // 2. The dead stay dead.
        if let tombstone = tombstones[hash], record.version.generation <= tombstone.generation { throw .buried }
        guard let slot = nodes.slot(of: hash) else {
            try admit(signed, from: peer, isNews: isNews)
            return
        }
        // Two names with one hash cannot both be members.
        guard nodes.entries[slot].id == record.origin else { throw .malformed }
        // 3. Versions never go back; one version has one content.
        if let held = nodes.entries[slot][kind], held.record.version == record.version {
            // The same content signed again (signatures are randomised) is no equivocation.
            if held.record != record {
                directives.append(.log(.equivocated(record.origin, kind)))
                penalise(record.origin, settings.greylistScore / 2)
                throw .equivocation
            }
            counters.recordsKnown += 1
            return
        }
        guard nodes.digests[slot].lacks(kind, record.version) else { throw .stale }
        let isNewLife = record.version.generation != nodes.entries[slot].generation
        let state = nodes.entries[slot].state
        if isNewLife {
            guard kind == .identity else { throw .unknownOrigin }
        } else if state == .dead || state == .left {
            throw .buried
        }
        // 4. Is there room?
        let given = isNewLife ? nodes.entries[slot].recordBytes : nodes.entries[slot][kind]?.token.count ?? 0
        let accused = nodes.entries[slot].accused
        try makeRoom(for: signed.token.count - given, besides: hash)
        // 5. In.
        nodes.update(hash) {
            if isNewLife {
                $0.dropRecords()
                $0.generation = record.version.generation
                $0.unexplained = 0
            }
            $0[kind] = signed
            $0.heardAt = now
            if kind == .load { $0.loadHeardAt = now }
        }
        counters.recordsAccepted += 1
        directives.append(.changed(.record(record.origin, kind)))
        if case .identity(let identity) = record.body {
            if identity.left {
                setState(hash, .left)
            } else if record.version > accused {
                exonerate(hash, from: peer)
            }
        }
        passOn(record, hash, from: peer, isNews: isNews)
    }

    /// A node not heard of before. Only its identity brings it in.
    private mutating func admit(_ signed: SignedRecord, from peer: NodeID, isNews: Bool) throws(RecordRefusal) {
        let record = signed.record
        guard case .identity(let identity) = record.body else { throw .unknownOrigin }
        let hash = record.origin.digestHash
        if nodes.count >= settings.maximumNodes {
            guard let oldest = oldestOver(besides: hash) else { throw .full }
            bury(oldest)
        }
        try makeRoom(for: signed.token.count, besides: hash)
        tombstones[hash] = nil
        var entry = NodeEntry(id: record.origin, hash: hash, generation: record.version.generation, now: now)
        entry[.identity] = signed
        entry.state = identity.left ? .left : .alive
        nodes.insert(entry)
        broughtIn.append(hash)
        if identity.left { retireAt = min(retireAt, now.adding(seconds: settings.forgetAfterSeconds)) }
        if !keepsActiveView { probeOrder.insert(hash, at: Int.random(in: 0...probeOrder.count, using: &random)) }
        counters.recordsAccepted += 1
        directives.append(.changed(.record(entry.id, .identity)))
        directives.append(.changed(.nodeState(entry.id, from: nil, to: entry.state)))
        passOn(record, hash, from: peer, isNews: isNews)
    }

    /// Those that are over give way to those that are there.
    private mutating func makeRoom(for bytes: Int, besides hash: UInt64) throws(RecordRefusal) {
        while nodes.recordBytes + bytes > settings.memoryBytes {
            guard bytes > 0, let oldest = oldestOver(besides: hash) else {
                if bytes <= 0 { return }
                throw .full
            }
            bury(oldest)
        }
    }

    /// Whoever is dead or left the longest.
    private func oldestOver(besides hash: UInt64) -> UInt64? {
        let over = (nodes.down + nodes.left).map { nodes.entries[$0] }.filter {
            $0.state != .unreachable && $0.hash != hash
        }
        return over.min { ($0.stateSince, $0.hash) < ($1.stateSince, $1.hash) }?.hash
    }

    /// News goes on at once; what came while catching up does not, unless its origin itself brought it.
    private mutating func passOn(_ record: Record, _ hash: UInt64, from peer: NodeID, isNews: Bool) {
        guard record.body.kind != .load, isNews || record.origin == peer else { return }
        tell(News(origin: hash, from: peer))
    }

    private mutating func refuse(_ cause: RecordRefusal, from peer: NodeID, origin: NodeID?, isOwn: Bool = true) {
        counters.refusals[cause, default: 0] += 1
        penalise(peer, isOwn ? cause.penalty : cause.relayPenalty)
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
}
