import CLinux
import Gossip
import Routing
import Transport
import Trust

/// What came of statements that were brought.
struct StatementsTaken: Sendable {
    var news: [Trust.Statement] = []
    var refusals: [StatementRefusal] = []
}

/// How statements spread: what is new is pushed at once to as many peers as one node has in a small federation; a peer whose
/// identity names another ledger than ours is asked. Both bounded; both idempotent.
extension TrustKeeper {
    /// Peers told at once.
    private static let pushFanout = 16
    private static let exchangesAtOnce = 4
    private static let exchangeSeconds = 5.0
    /// Seconds until a peer is asked again: after an exchange that brought something, and after one that did not.
    private static let pauseSeconds = 1.0
    private static let idlePauseSeconds = 30.0
    /// Forgeries in one message of a peer after which the rest is not looked at: each costs checks of signatures.
    private static let forgeriesRead = 8
    /// Seconds that a node that was revoked has to be told so.
    private static let farewellSeconds = 1.0

    // MARK: Taking

    /// Takes statements from anywhere; each is checked by its signature. What is new is kept, carried out and passed on.
    func take(_ tokens: [[UInt8]], from peer: NodeID?) async -> StatementsTaken {
        var taken = StatementsTaken()
        var news: [[UInt8]] = []
        let serial = ledger.bundle.serial
        var forgeries = 0
        for token in tokens where peer == nil || forgeries < Self.forgeriesRead {
            do throws(StatementRefusal) {
                guard let statement = try ledger.take(token, now: PeerGate.now) else { continue }
                taken.news.append(statement)
                news.append(token)
            } catch {
                taken.refusals.append(error)
                // Nobody honest passes these on.
                if error == .badSignature || error == .malformed || error == .foreignFederation { forgeries += 1 }
                if let peer, error != .expired {
                    log.warnSeldom(
                        "statement \(error) \(peer)", "a statement by way of \(peer) is refused: \(error.rawValue)")
                }
            }
        }
        guard !news.isEmpty else { return taken }
        for statement in taken.news {
            log.warning("the federation's operator says: \(statement.summary)")
            writeDown(statement, from: peer)
        }
        await changed(bundle: ledger.bundle.serial != serial)
        // Peers first, those that were revoked among them: afterwards there is no way to tell them.
        let revoked = Self.revocations(taken.news)
        let addresses = peers()
        push(news, except: peer, to: addresses.filter { !Self.isMeant($0.id, by: revoked) })
        Task(executorPreference: loop) { await self.carryOut(revoked, news, addresses) }
        return taken
    }

    /// The ledger is another: on disk, in force, and known to others.
    func changed(bundle: Bool) async {
        store.save(ledger)
        do throws(TrustError) {
            try trust.refresh(bundleChanged: bundle)
        } catch { log.error("the federation's new roots are in force, but: \(error)") }
        await publish()
        wake()
    }

    // MARK: Revocations

    private static func revocations(_ statements: [Trust.Statement]) -> [Revocation] {
        statements.compactMap { if case .revocation(let revocation) = $0.body { revocation } else { nil } }
    }

    static func isMeant(_ node: NodeID, by revocations: [Revocation]) -> Bool {
        // Another federation's operator speaks for its own nodes.
        guard node.federation == nil else { return false }
        return revocations.contains { $0.site == node.site && ($0.node == nil || $0.node == node.node) }
    }

    /// Nothing more of them is offered or kept, and what runs over links with them ends.
    private func carryOut(_ revoked: [Revocation], _ news: [[UInt8]], _ peers: [(id: NodeID, mesh: String)]) async {
        let gate = trust.gate
        await mesh.forget { gate.isWithdrawn($0, $1) }
        guard !revoked.isEmpty else { return }
        let meant = peers.filter { Self.isMeant($0.id, by: revoked) }
        gate.beginFarewell(to: meant.map(\.id))
        let body = StatementExchange(of: ledger.held, news: news).encode()
        await withTaskGroup(of: Void.self) { group in
            for peer in meant {
                group.addTask { [mesh] in
                    _ = try? await mesh.post(
                        StatementExchange.path, to: peer.id, at: peer.mesh, body: body,
                        limit: StatementExchange.messageBytes, seconds: Self.farewellSeconds)
                }
            }
        }
        gate.endFarewell(to: meant.map(\.id))
        var ended = 0
        for worker in workers {
            ended += await worker.endConnections(
                TransportError(.revoked, "the federation's operator revoked the node at its other end")
            ) { identity in (identity as? NodeID).map { Self.isMeant($0, by: revoked) } ?? false }
        }
        if ended > 0 { log.warning("\(ended) connections with revoked nodes were ended") }
    }

    // MARK: Spreading

    private func peers() -> [(id: NodeID, mesh: String)] {
        router.view.mesh.nodes.compactMap { node in
            guard node.id != me, node.state == .alive || node.state == .suspect, let identity = node.identity else {
                return nil
            }
            return (node.id, identity.mesh)
        }
    }

    private func push(_ news: [[UInt8]], except source: NodeID?, to peers: [(id: NodeID, mesh: String)]) {
        let body = StatementExchange(of: ledger.held, news: news).encode()
        for peer in peers.filter({ $0.id != source }).shuffled(using: &random).prefix(Self.pushFanout) {
            Task(executorPreference: loop) { await self.converse(with: peer, body) }
        }
    }

    /// Asks peers whose identity names another ledger than ours.
    func exchangeWhereDifferent() {
        let digest = ledger.digest
        let now = mesh_monotonic_ns()
        if quietUntil.count > 4096 { quietUntil.removeAll() }
        for node in router.view.mesh.nodes.shuffled(using: &random).prefix(64) {
            guard exchangesUnderWay < Self.exchangesAtOnce else { return }
            guard node.id != me, node.state == .alive, let identity = node.identity,
                identity.ledger ?? "" != digest, quietUntil[node.id] ?? 0 <= now
            else { continue }
            quietUntil[node.id] = now + UInt64(Self.exchangeSeconds * 1e9)
            exchangesUnderWay += 1
            let body = StatementExchange(of: ledger.held, news: []).encode()
            Task(executorPreference: loop) {
                await self.pull(from: (node.id, identity.mesh), body)
            }
        }
    }

    private func pull(from peer: (id: NodeID, mesh: String), _ body: [UInt8]) async {
        await converse(with: peer, body)
        exchangesUnderWay -= 1
    }

    /// One conversation: our message, their answer, and what they lack of ours.
    private func converse(with peer: (id: NodeID, mesh: String), _ body: [UInt8]) async {
        var brought = false
        if let reply = await ask(peer, body) {
            brought = !(await take(reply.tokenData, from: peer.id).news.isEmpty)
            let missing = StatementExchange(of: ledger.held, lackedBy: reply.have)
            if !missing.tokens.isEmpty {
                brought = true
                _ = await ask(peer, missing.encode())
            }
        }
        let pause = brought ? Self.pauseSeconds : Self.idlePauseSeconds
        quietUntil[peer.id] = mesh_monotonic_ns() + UInt64(pause * (0.8 + 0.4 * unit()) * 1e9)
    }

    private func ask(_ peer: (id: NodeID, mesh: String), _ body: [UInt8]) async -> StatementExchange? {
        do throws(TransportError) {
            let answer = try await mesh.post(
                StatementExchange.path, to: peer.id, at: peer.mesh, body: body, limit: StatementExchange.messageBytes,
                seconds: Self.exchangeSeconds)
            guard answer.status == 200, let reply = StatementExchange.decode(answer.body) else {
                throw TransportError(.protocolViolation, "it answered \(answer.status)")
            }
            return reply
        } catch {
            log.debug("statements could not be exchanged with \(peer.id): \(error.message)")
            return nil
        }
    }

    /// Answers a peer's message.
    func answer(_ message: StatementExchange, from peer: NodeID) async -> StatementExchange {
        _ = await take(message.tokenData, from: peer)
        return StatementExchange(of: ledger.held, lackedBy: message.have)
    }
}

extension Trust.Statement {
    /// For the log.
    var summary: String {
        switch body {
        case .bundle(let bundle): "the trust bundle \(serial) with \(bundle.roots.count) roots is in force"
        case .admission(let admission):
            "site \(admission.site) is admitted, for users of \(admission.domains.joined(separator: ", "))"
        case .revocation(let revocation):
            "\(revocation.node.map { "node \(revocation.site)/\($0)" } ?? "site \(revocation.site)") is revoked: \(revocation.reason)"
        }
    }
}
