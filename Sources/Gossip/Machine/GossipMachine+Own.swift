// What we say of ourselves: nobody else can.

/// Our own records as wanted and as published.
struct OwnRecords: Sendable {
    var identity: Identity?
    var catalog: Catalog?
    /// The newest load, published or not.
    var load: Load?
    var publishedLoad: Load?
    var loadPublishedAt: Instant?
    var refutedAt: Instant?
    /// When a word that we are gone last made us begin a new generation.
    var raisedAt: Instant?
    var sequences: [RecordKind: UInt64] = [:]
}

extension GossipMachine {
    /// Says something new about this node. An identity or catalog that changed is announced at once; a load is kept and
    /// published when it is due (`loadIntervalSeconds`, or at once after a change by `loadChange`). What did not change is not
    /// published again. Nothing is published before the first identity.
    public mutating func publish(
        _ body: RecordBody, now: Instant, wallSeconds: UInt64, authority: some RecordAuthority
    ) -> [Directive] {
        begin(now, wallSeconds)
        guard !hasLeft else { return finish() }
        switch body {
        case .identity(var identity):
            identity.left = false
            guard identity != own.identity else { break }
            // Another key: what the old one signed can no longer be checked, so all is signed again.
            let isNewKey = own.identity.map { $0.certificate != identity.certificate } ?? true
            own.identity = identity
            if isNewKey { publishAll(authority) } else { sign(.identity(identity), authority) }
        case .catalog(let catalog):
            guard catalog != own.catalog else { break }
            own.catalog = catalog
            if own.identity != nil { sign(.catalog(catalog), authority) }
        case .load(let load):
            own.load = load
            publishDueLoad(authority)
        }
        return finish()
    }

    /// The load as it is now, signed, for an answer that carries it; at most one new record every `loadAnswerSeconds`, else
    /// the last one. nil before the first identity. Its directives come with those of the next event.
    public mutating func freshLoad(
        _ load: Load, now: Instant, wallSeconds: UInt64, authority: some RecordAuthority
    ) -> SignedRecord? {
        begin(now, wallSeconds)
        guard !hasLeft, own.identity != nil else { return ownRecord(.load) }
        own.load = load
        let age = own.loadPublishedAt.map { self.now.seconds(since: $0) } ?? .infinity
        if age >= settings.loadAnswerSeconds, load != own.publishedLoad { publishLoad(load, authority) }
        return ownRecord(.load)
    }

    /// Leaves of our own will: the last record says so, and is handed to several peers at once.
    public mutating func leave(now: Instant, wallSeconds: UInt64, authority: some RecordAuthority) -> [Directive] {
        begin(now, wallSeconds)
        guard !hasLeft, var identity = own.identity else {
            hasLeft = true
            return finish()
        }
        identity.left = true
        own.identity = identity
        sign(.identity(identity), authority)
        setState(myHash, .left)
        news = []
        claimsToTell = []
        let last = Delta(items: items(of: myHash) { kind, _ in kind == .identity }, isNews: true)
        // Most urgent of all: it does not count among the peers of this tick.
        begunInRound = 0
        for hash in random.pick(settings.leaveFanout, of: partners()) { exchange(with: hash, .delta(last), .transfer) }
        hasLeft = true
        return finish()
    }

    // MARK: - Load

    /// When the load kept back is to be published; nil if there is none.
    var loadDueAt: Instant? {
        guard !hasLeft, own.identity != nil, let load = own.load, load != own.publishedLoad else { return nil }
        guard let last = own.loadPublishedAt, let published = own.publishedLoad else { return now }
        let isLarge = load.differs(from: published, by: settings.loadChange)
        return last.adding(seconds: isLarge ? settings.loadMinimumSeconds : settings.loadIntervalSeconds)
    }

    mutating func publishDueLoad(_ authority: some RecordAuthority) {
        guard let due = loadDueAt, due <= now, let load = own.load else { return }
        publishLoad(load, authority)
    }

    private mutating func publishLoad(_ load: Load, _ authority: some RecordAuthority) {
        own.publishedLoad = load
        own.loadPublishedAt = now
        sign(.load(load), authority)
    }

    // MARK: - Generations

    /// Publishes everything again in the present generation.
    mutating func publishAll(_ authority: some RecordAuthority) {
        guard let identity = own.identity else { return }
        sign(.identity(identity), authority)
        if let catalog = own.catalog { sign(.catalog(catalog), authority) }
        if let load = own.load { publishLoad(load, authority) }
    }

    /// Someone holds a generation of ours that we do not know of, or buried the present one: go above it.
    mutating func raiseGeneration(above heard: UInt64, _ authority: some RecordAuthority) {
        let old = generation
        let above = max(heard, generation)
        guard above < DigestEntry.maximumGeneration, !hasLeft else { return }
        generation = above + 1
        own.sequences = [:]
        nodes.update(myHash) {
            $0.dropRecords()
            $0.generation = generation
        }
        directives.append(.persistGeneration(generation))
        directives.append(.log(.generationRaised(from: old, to: generation)))
        publishAll(authority)
    }

    /// Seconds between two generations begun on others' word: it costs the whole mesh a new copy of all that we say.
    private static let raiseSeconds = 10.0

    /// A claim against us. The answer is a newer identity, or a newer generation where the claim is that we are gone.
    mutating func refute(_ claim: Claim, _ authority: some RecordAuthority) {
        guard !hasLeft, claim.state != .alive, let identity = own.identity else { return }
        let isFinal = claim.state == .dead || claim.state == .left
        // On a network that loses much there are many suspicions, which the suspect's answers end as well.
        let spacing =
            isFinal
            ? GossipMachine.raiseSeconds
            : settings.refutationSeconds * (isLossy && claim.state == .suspect ? 5 : 1)
        if let last = isFinal ? own.raisedAt : own.refutedAt, now.seconds(since: last) < spacing { return }
        if claim.version.generation > generation {
            // Unproven, so believed only as far as an honest clock could have brought us.
            guard claim.version.generation <= wallSeconds + UInt64(settings.futureLeewaySeconds) else { return }
            own.raisedAt = now
            raiseGeneration(above: claim.version.generation, authority)
        } else if claim.version.generation == generation, isFinal {
            own.raisedAt = now
            raiseGeneration(above: generation, authority)
        } else if claim.version.generation == generation, claim.version.sequence >= own.sequences[.identity] ?? 0 {
            own.refutedAt = now
            healthPenalty = min(healthPenalty + 1, settings.maximumHealthPenalty)
            // Above what the claim names, also where it names what we never signed.
            let sequence = own.sequences[.identity] ?? 0
            let named = min(claim.version.sequence, sequence + GossipMachine.identitiesOnTheirWay)
            own.sequences[.identity] = min(max(sequence, named), DigestEntry.maximumSequence(of: .identity))
            sign(.identity(identity), authority)
        }
    }

    // MARK: - Signing

    /// Signs the next version of one of our records, holds it and, unless it is a load, announces it.
    private mutating func sign(_ body: RecordBody, _ authority: some RecordAuthority) {
        let kind = body.kind
        let sequence = (own.sequences[kind] ?? 0) + 1
        guard sequence <= DigestEntry.maximumSequence(of: kind) else {
            raiseGeneration(above: generation, authority)
            return
        }
        var body = body
        if case .identity(var identity) = body {
            identity.gossip = settings.highestVersion > 1 ? settings.highestVersion : nil
            body = .identity(identity)
        }
        let record = Record(
            federation: federation, origin: me, version: Version(generation: generation, sequence: sequence),
            issuedAt: wallSeconds, body: body)
        do throws(SigningFailure) {
            let token = try authority.sign(record)
            guard token.count <= settings.maximumRecordBytes else {
                let reason = "\(token.count) bytes; \(settings.maximumRecordBytes) allowed"
                directives.append(.log(.notPublished(kind, reason: reason)))
                return
            }
            own.sequences[kind] = sequence
            nodes.update(myHash) {
                $0[kind] = SignedRecord(record: record, token: token)
                if kind == .load { $0.loadHeardAt = now }
            }
            directives.append(.changed(.record(me, kind)))
            if kind != .load { tell(News(origin: myHash, from: nil)) }
        } catch {
            directives.append(.log(.notPublished(kind, reason: error.reason)))
        }
    }
}

extension Load {
    /// Whether any model came, went, changed its slots, or has running plus waiting changed by this part of its slots (or of
    /// what there was, if that is more).
    func differs(from old: Load, by part: Double) -> Bool {
        guard models.count == old.models.count else { return true }
        return zip(models, old.models).contains { new, old in
            guard new.id == old.id, new.slots == old.slots else { return true }
            // As floating point, so that no number from a backend can overflow.
            let before = Double(old.running) + Double(old.waiting)
            let after = Double(new.running) + Double(new.waiting)
            return (after - before).magnitude >= part * max(Double(old.slots), before, 1) && after != before
        }
    }
}
