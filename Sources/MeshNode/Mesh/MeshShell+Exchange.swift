import CLinux
import Gossip
import Routing
import Transport

/// What goes to other nodes, and what comes from them.
extension MeshShell {
    var metrics: GossipMetrics {
        GossipMetrics(
            counters: machine.counters, recordBytes: machine.recordBytes, graves: machine.tombstoneCount,
            nodes: Dictionary(grouping: router.view.mesh.nodes, by: \.state).mapValues(\.count))
    }

    /// One exchange begun by a peer.
    ///
    /// - Parameter isShort: an empty reply is known there as `ack`.
    func exchange(from peer: NodeID, _ bytes: [UInt8], isShort: Bool) -> GossipAnswer {
        // What is large is not even read from whom nothing counts.
        guard bytes.count <= Self.greylistedBytes || !machine.isGreylisted(peer) else { return .unanswered }
        let message: Message
        do throws(CodecError) {
            message = try Message.decode(bytes)
        } catch {
            gossipLog.notUnderstood(peer, error)
            perform(machine.onGarbage(from: peer, now: now, wallSeconds: wallSeconds))
            return .notUnderstood
        }
        let answered = machine.onExchange(
            message, from: peer, now: now, wallSeconds: wallSeconds, authority: authority)
        perform(answered.directives)
        refreshView()
        wakeForWork()
        guard let reply = answered.reply else { return .unanswered }
        return .reply(isShort && reply.isBareAcknowledgement ? [] : reply.encode())
    }

    /// Bytes of a message of a greylisted peer that is read.
    private static let greylistedBytes = 4096

    // MARK: Directives

    func perform(_ directives: [Directive]) {
        for directive in directives {
            switch directive {
            case .exchange(let id, let contact, let message, let timeout):
                Task(executorPreference: loop) { await self.send(id, contact, message, timeoutSeconds: timeout) }
            case .changed(let change):
                pace.note(change)
                gossipLog.note(change)
            case .persistGeneration(let generation): generationStore.save(generation)
            case .log(let notice): gossipLog.note(notice)
            }
        }
    }

    func send(_ id: ExchangeID, _ contact: Contact, _ message: Message, timeoutSeconds: Double) async {
        do throws(TransportError) {
            let (peer, reply) = try await ask(contact, message, timeoutSeconds: timeoutSeconds)
            perform(
                machine.onReply(exchange: id, reply, from: peer, now: now, wallSeconds: wallSeconds, authority: authority))
        } catch {
            gossipLog.failed(contact, error.message, isRefusal: error.isRefusal)
            perform(machine.onExchangeFailed(id, now: now, wallSeconds: wallSeconds))
        }
        refreshView()
        wakeForWork()
    }

    /// Sends a message and reads the reply of whoever the certificate proves to be there.
    private func ask(
        _ contact: Contact, _ message: Message, timeoutSeconds: Double
    ) async throws(TransportError) -> (peer: NodeID, reply: Message) {
        if let node = contact.node { try checkBlocks(node) }
        guard let upstream = upstreams.upstream(for: contact, in: router.view) else {
            throw TransportError(.unknownHost, "\(contact.address) is no address")
        }
        var peer: NodeID?
        let path = message.speaksShortly ? MeshPort.shortGossipPath : MeshPort.gossipPath
        let answer = try await pool.request(
            upstream, method: "POST", target: path.description, body: message.encode(), host: MeshPort.gossipHost,
            limit: WireLimits.messageBytes, deadline: mesh_monotonic_ns() &+ UInt64(timeoutSeconds * 1e9)
        ) { (stream) throws(TransportError) in
            peer = stream.peerIdentity as? NodeID
            guard peer?.federation == nil else {
                throw TransportError(.tls, "a node of another federation answers there")
            }
        }
        guard let peer else { throw TransportError(.protocolViolation, "nobody proved who answers there") }
        if answer.status == 204, message.speaksShortly { return (peer, message.bareAck) }
        guard answer.status == 200 else { throw TransportError(.protocolViolation, "it answered \(answer.status)") }
        do throws(CodecError) {
            return (peer, try Message.decode(answer.body))
        } catch {
            throw TransportError(.protocolViolation, "its reply is not gossip: \(error)")
        }
    }

    /// One small message to another node's mesh port, on the connections of gossip.
    ///
    /// - Parameters:
    ///   - address: of its mesh port, as its identity has it.
    ///   - limit: bytes of the answer.
    ///   - seconds: for all of it.
    func post(
        _ path: StaticString, to node: NodeID, at address: String, fields: [(StaticString, String)] = [], body: [UInt8],
        limit: Int, seconds: Double
    ) async throws(TransportError) -> HTTPAnswer {
        try checkBlocks(node)
        guard let upstream = upstreams.upstream(for: Contact(node: node, address: address), in: router.view) else {
            throw TransportError(.unknownHost, "\(address) is no address")
        }
        return try await pool.request(
            upstream, method: "POST", target: path.description, fields: fields, body: body, limit: limit,
            deadline: mesh_monotonic_ns() &+ UInt64(seconds * 1e9)
        ) { (stream) throws(TransportError) in
            guard stream.peerIdentity as? NodeID == node else {
                throw TransportError(.tls, "another node answers at \(address) than \(node)")
            }
        }
    }

    /// Nothing goes to a node that our operator has blocked.
    private func checkBlocks(_ node: NodeID) throws(TransportError) {
        guard router.blocks.current?.peer(node, nowSeconds: wallSeconds) != nil else { return }
        throw TransportError(.revoked, "it is blocked here")
    }
}

extension Message {
    /// Whether the peer takes it on the short path: who speaks the first version alone does not.
    fileprivate var speaksShortly: Bool { version > 1 }

    /// What an empty reply to it says.
    fileprivate var bareAck: Message { Message(.ack, version: version) }
}
