import Gossip

// What hostile members do besides taking part. Their certificates are valid; only what they say is not.

extension World {
    mutating func misbehave(_ node: Int, _ misbehaviour: Step.Misbehaviour?) {
        let wasHostile = nodes[node].misbehaviour != nil
        nodes[node].misbehaviour = misbehaviour
        tellCourt(node)
        if !wasHostile, nodes[node].isRunning { scheduleMischief(node) }
    }

    mutating func scheduleMischief(_ node: Int) {
        guard let misbehaviour = nodes[node].misbehaviour else { return }
        let wait: UInt64 = misbehaviour == .flood ? 100_000_000 : 1_000_000_000
        queue.push(Event(.mischief, at: now + wait, subject: node, tag: nodes[node].epoch))
    }

    mutating func makeMischief(_ event: Event) {
        let node = Int(event.subject)
        guard let misbehaviour = nodes[node].misbehaviour, nodes[node].isRunning, nodes[node].epoch == event.tag else {
            return
        }
        scheduleMischief(node)
        guard !nodes[node].isPaused else { return }
        let others = nodes.indices.filter { $0 != node && nodes[$0].isRunning && !nodes[$0].hasLeft }
        let targets = random.pick(World.targets, of: others)
        switch misbehaviour {
        case .forge: for target in targets { hand(forgery(by: node), from: node, to: target) }
        case .replay: for target in targets { hand(replay(), from: node, to: target) }
        case .foreign: for target in targets { hand(foreign(by: node), from: node, to: target) }
        case .oversized: for target in targets { hand(oversized(by: node), from: node, to: target) }
        case .future: for target in targets { hand(future(by: node), from: node, to: target) }
        case .equivocate: equivocate(node, others)
        case .accuse: for target in targets { tell(target, Message(.ping, claims: accusations(by: node)), by: node) }
        case .withhold: break
        case .flood:
            for _ in 0..<World.floodMessages {
                let summary = Summary(hash: random.next(), nodes: UInt32(truncatingIfNeeded: nodes.count))
                if let target = random.pick(1, of: others).first { tell(target, Message(.summary(summary)), by: node) }
            }
        }
    }

    /// Peers that a hostile member turns to at once.
    static let targets = 3
    /// Messages that it sends each tenth of a second when it floods.
    static let floodMessages = 20

    private mutating func hand(_ token: [UInt8]?, from node: Int, to target: Int) {
        guard let token, let item = item(token) else { return }
        tell(target, Message(.delta(Delta(items: [item], isNews: true))), by: node)
    }

    /// A token with what it says it is; one that cannot be read at all is said to be an identity of nobody.
    private func item(_ token: [UInt8]) -> DeltaItem? {
        guard let record = try? Token.read(token).token.record else { return nil }
        return DeltaItem(
            origin: record.origin.digestHash, kind: record.body.kind, version: record.version, token: token)
    }

    private mutating func tell(_ target: Int, _ message: Message, by node: Int) {
        let contact = Contact(node: nodes[target].id, address: nodes[target].address)
        send(message, from: node, exchange: nil, to: contact, timeoutSeconds: 5)
    }

    // MARK: - What they hand out

    /// Another's next identity, in one of the ways in which it can be false.
    private mutating func forgery(by node: Int) -> [UInt8]? {
        guard let victim = otherThan(node) else { return nil }
        let certificate = nodes[victim].certificate
        let own = nodes[node].certificate
        let record = identityRecord(of: victim, certificate: certificate)
        switch random.next() % 3 {
        case 0:
            // With the other's certificate, and a key that is not in it.
            return registry.make(record, by: certificate, key: random.next(), byteCount: scenario.records.identityBytes)
                .bytes
        case 1:
            // With its own good certificate and key.
            let key = registry.secrets.key(of: own.node, number: own.key)
            return registry.make(record, by: own, key: key, byteCount: scenario.records.identityBytes).bytes
        default:
            // A true one, altered where the record's text is.
            guard var token = nodes[victim].life?.machine.ownRecord(.identity)?.token, token.count > 80 else { return nil }
            let place = token.count - 1 - Int(random.next() % UInt64(token.count / 4))
            token[place] ^= 1
            return token
        }
    }

    private mutating func replay() -> [UInt8]? {
        guard let old = registry.old, !old.isEmpty else { return nil }
        return old[Int(random.next() % UInt64(old.count))]
    }

    private mutating func foreign(by node: Int) -> [UInt8]? {
        guard let victim = otherThan(node) else { return nil }
        var certificate = nodes[victim].certificate
        certificate.root = .foreign
        let record = identityRecord(of: victim, certificate: certificate)
        let key = registry.secrets.key(of: certificate.node, number: certificate.key)
        return registry.make(record, by: certificate, key: key, byteCount: scenario.records.identityBytes).bytes
    }

    private mutating func oversized(by node: Int) -> [UInt8]? {
        let certificate = nodes[node].certificate
        let record = identityRecord(of: node, certificate: certificate)
        let key = registry.secrets.key(of: certificate.node, number: certificate.key)
        return registry.make(record, by: certificate, key: key, byteCount: scenario.settings.maximumRecordBytes + 1).bytes
    }

    private mutating func future(by node: Int) -> [UInt8]? {
        let certificate = nodes[node].certificate
        var record = identityRecord(of: node, certificate: certificate)
        record.issuedAt += UInt64(scenario.settings.futureLeewaySeconds) * 2 + 86_400
        let key = registry.secrets.key(of: certificate.node, number: certificate.key)
        return registry.make(record, by: certificate, key: key, byteCount: scenario.records.identityBytes).bytes
    }

    /// Its machine publishes one catalog, and another of that version goes to half of the others before.
    private mutating func equivocate(_ node: Int, _ others: [Int]) {
        nodes[node].catalogNumber += 1
        publishCatalog(node)
        guard var record = nodes[node].life?.machine.ownRecord(.catalog)?.record else { return }
        record.body = .catalog(Catalog(models: [.simulated("other\(nodes[node].catalogNumber)")]))
        let certificate = nodes[node].certificate
        let key = registry.secrets.key(of: certificate.node, number: certificate.key)
        let token = registry.make(record, by: certificate, key: key, byteCount: scenario.records.catalogBytes).bytes
        for target in others where target % 2 == 0 { hand(token, from: node, to: target) }
    }

    private func accusations(by node: Int) -> [Claim] {
        nodes.indices.filter { $0 != node && sights[node, $0].isAlive }.prefix(WireLimits.claims).map { other in
            let sight = sights[node, other]
            return Claim(
                node: nodes[other].id, version: Version(generation: sight.generation, sequence: UInt64(sight.identity)),
                state: .dead)
        }
    }

    private mutating func otherThan(_ node: Int) -> Int? {
        random.pick(1, of: nodes.indices.filter { $0 != node && nodes[$0].isRunning }).first
    }

    /// What would be the node's next identity, with a draining that it never asked for.
    private func identityRecord(of node: Int, certificate: Certificate) -> Record {
        let latest = nodes[node].life?.machine.ownRecord(.identity)?.record.version ?? Version(generation: 1, sequence: 0)
        var identity = Identity(
            api: "", mesh: nodes[node].address, certificate: certificate.text, certificateExpires: certificate.notAfter,
            software: "simulated")
        identity.draining = true
        return Record(
            federation: certificate.root == .foreign ? "foreign" : World.federation, origin: nodes[node].id,
            version: Version(generation: latest.generation, sequence: latest.sequence + 1),
            issuedAt: nodes[node].clock.seconds(at: now), body: .identity(identity))
    }
}
