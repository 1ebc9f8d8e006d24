public import Gossip
import Glibc
public import Transport

/// The mesh port: what other nodes send here. A request is run here or refused, never passed on: one hop at most, so that there
/// are no loops.
public final class MeshPort: HTTPHandler {
    let router: Router
    let identities: IdentityVerifier?
    let dialBack: DialBack?
    /// What this node holds as a carrier; nil: it is none.
    let carrier: CarrierDesk?
    /// Nanoseconds between two signs of life while an answer is awaited.
    private let keepAlive: UInt64
    /// What this site says of data.
    let data: DataPolicy
    /// This node's own federation, and those that it is linked with.
    let federation: String
    let linked: [LinkedFederation]
    let models: [String: LocalModel]
    private let bodyLimit: Int
    let gossip: @Sendable (NodeID, [UInt8], _ isShort: Bool) async -> GossipAnswer
    private let log: @Sendable (TransportError, SocketAddress?) -> Void
    private let audit: @Sendable (NodeID, DirectUse) -> Void
    private let enrolment: (any Enrolment)?
    let strangers = EnrolmentLimiter()
    let refusals: @Sendable (NodeID, String) -> Void
    private let routes: [MeshRoute]
    private let trustRound: @Sendable () -> UInt64

    /// - Parameters:
    ///   - models: what this node serves, by id.
    ///   - identities: checks other nodes' words on who a user is; nil: none is believed.
    ///   - carrier: what it holds for others as a carrier; nil: nothing.
    ///   - data: what this site says of data; models that accept a class are listed with what it says of that class.
    ///   - federation: this node's own.
    ///   - linked: other federations, whose nodes may use what they are offered.
    ///   - bodyLimit: bytes of an inference request's body.
    ///   - keepAlive: nanoseconds between two signs of life while an answer is awaited.
    ///   - gossip: answers one exchange of a peer; `isShort`: it came by the short path, whose users know an empty reply as `ack`.
    ///   - log: takes connections that were refused.
    ///   - routes: what else is answered here: small messages between nodes.
    ///   - audit: takes what a peer submitted to our endpoints while we were away.
    ///   - enrolment: answers those who are no nodes yet; nil: nobody does.
    ///   - dialBack: dials nodes that ask whether they can be reached; nil: none.
    ///   - refusals: takes what of a peer's was refused, and why.
    ///   - trustRound: rises when it has changed whom this node trusts: peers that were let in before are checked again.
    public init(
        router: Router, models: [LocalModel], identities: IdentityVerifier? = nil, carrier: CarrierDesk? = nil,
        data: DataPolicy = .none, federation: String = "", linked: [LinkedFederation] = [], bodyLimit: Int,
        keepAlive: UInt64 = 25_000_000_000,
        gossip: @escaping @Sendable (NodeID, [UInt8], _ isShort: Bool) async -> GossipAnswer,
        log: @escaping @Sendable (TransportError, SocketAddress?) -> Void, routes: [MeshRoute] = [],
        audit: @escaping @Sendable (NodeID, DirectUse) -> Void = { _, _ in },
        refusals: @escaping @Sendable (NodeID, String) -> Void = { _, _ in }, enrolment: (any Enrolment)? = nil,
        dialBack: DialBack? = nil, trustRound: @escaping @Sendable () -> UInt64 = { 0 }
    ) {
        self.trustRound = trustRound
        self.enrolment = enrolment
        self.dialBack = dialBack
        self.refusals = refusals
        self.audit = audit
        self.federation = federation
        self.linked = linked
        self.routes = routes
        self.carrier = carrier
        self.keepAlive = keepAlive
        self.router = router
        self.identities = identities
        self.data = data
        self.models = Dictionary(models.map { ($0.id, $0) }) { first, _ in first }
        self.bodyLimit = bodyLimit
        self.gossip = gossip
        self.log = log
    }

    /// Where gossip is exchanged with nodes that speak its first version alone.
    public static let gossipPath: StaticString = "/meshnode/v1/gossip"

    /// Where gossip is exchanged otherwise: with the shortest heads, and `204` for a bare `ack`.
    public static let shortGossipPath: StaticString = "/g"

    /// What stands as `Host` where gossip is exchanged: who is who the certificates say.
    public static let gossipHost: StaticString = "m"

    /// Where a peer tells what it submitted to our endpoints in our absence.
    public static let directUsesPath: StaticString = "/meshnode/v1/direct-uses"

    /// Where a link is tried and kept alive.
    public static let pingPath: StaticString = "/meshnode/v1/ping"

    static let inferencePaths: [StaticString] = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"]

    public func refused(_ error: TransportError, from address: SocketAddress?) { log(error, address) }

    public func handle(_ exchange: HTTPExchange) async {
        guard let peer = exchange.stream.peerIdentity as? NodeID else {
            if let enrolment, exchange.stream.applicationProtocol == EnrolmentRoutes.applicationProtocol {
                return await enrol(exchange, enrolment)
            }
            exchange.closesAfter = true
            return await answer(exchange, 403, "unknown_peer", "this port is for nodes of the federation")
        }
        if let block = router.blocks.current?.peer(peer, nowSeconds: Router.nowSeconds) {
            exchange.closesAfter = true
            refusals(peer, "a request: \(block.subject) is blocked")
            return await refuse(exchange, block, nil)
        }
        // A connection outlives what its handshake was checked by: its peer may have been revoked in the midst of it, and the root
        // behind its certificate may be gone.
        guard exchange.stream.isStillProven(asOf: trustRound()) else {
            exchange.closesAfter = true
            refusals(peer, "a request: its certificate does not hold any more")
            return await refuse(exchange, nil, "not_proven")
        }
        guard exchange.head.method == .post else {
            return await answer(exchange, 405, "method_not_allowed", "the mesh port takes POST only")
        }
        if let other = peer.federation { return await handleLinked(exchange, peer, of: other) }
        if exchange.withPath({ Self.equal($0, Self.shortGossipPath) || Self.equal($0, Self.gossipPath) }) {
            return await exchangeGossip(exchange, peer)
        }
        if exchange.withPath({ Self.equal($0, Self.directUsesPath) }) { return await takeDirectUses(exchange, peer) }
        if exchange.withPath({ Self.equal($0, Self.dialBackPath) }) { return await answerDialBack(exchange, peer) }
        if exchange.withPath({ Self.equal($0, Self.pingPath) }) {
            return await exchange.respond(status: 204, contentType: "text/plain", body: "")
        }
        if exchange.withPath({ Self.equal($0, Self.startPath) }) { return await start(exchange, peer) }
        if exchange.withPath({ Self.equal($0, Self.parkPath) }) { return await park(exchange, peer) }
        if exchange.withPath({ Self.equal($0, Self.carryPath) }) { return await carry(exchange, peer) }
        for path in Self.inferencePaths where exchange.withPath({ Self.equal($0, path) }) {
            return await serve(exchange, path, peer)
        }
        for route in routes where exchange.withPath({ Self.equal($0, route.path) }) {
            return await answer(exchange, by: route, peer)
        }
        await answer(exchange, 404, "unknown_route", "the mesh port has no such route")
    }

    static func equal(_ path: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard let bytes = path.baseAddress, path.count == text.utf8CodeUnitCount else { return false }
        return memcmp(bytes, text.utf8Start, path.count) == 0
    }

    private func takeDirectUses(_ exchange: HTTPExchange, _ peer: NodeID) async {
        do throws(HTTPSyntaxError) {
            let range = try await exchange.readBody(limit: 1 << 20)
            guard let uses = DirectUse.decode(Array(exchange.headBytes[range])) else {
                return await answer(exchange, 400, "bad_body", "this is no list of direct uses")
            }
            // Of what was not offered to that site there can have been no use.
            for use in uses where models[use.model]?.variant.direct?.entrySites.contains(peer.site) == true {
                audit(peer, use)
            }
            await exchange.respond(status: 200, contentType: "application/json", body: #"{"status":"ok"}"#)
        } catch { await answer(exchange, error.status, "bad_body", error.reason) }
    }

    private func answer(_ exchange: HTTPExchange, by route: MeshRoute, _ peer: NodeID) async {
        do throws(HTTPSyntaxError) {
            let range = try await exchange.readBody(limit: route.bodyLimit)
            let answered = await route.answer(
                MeshCall(
                    peer: peer, certificate: exchange.stream.peerCertificate ?? [], body: Array(exchange.headBytes[range])))
            await exchange.respond(status: answered.status, contentType: answered.contentType, body: answered.body)
        } catch { await answer(exchange, error.status, "bad_body", error.reason) }
    }

    // MARK: Inference

    /// Decides from the head alone; only then is the body taken.
    ///
    /// - Parameter link: with the peer's federation, where that is another.
    func serve(
        _ exchange: HTTPExchange, _ path: StaticString, _ peer: NodeID, link: LinkedFederation? = nil
    ) async {
        // A queue or a model that thinks may take minutes, in which no proxy between the sites must think us gone.
        exchange.sayProcessing(every: keepAlive)
        let told: PeerFields
        do throws(PeerFieldError) {
            told = try PeerFields(exchange.head, in: exchange.headBytes)
        } catch {
            refusals(peer, "a request: \(error.reason)")
            return await answer(exchange, 400, "bad_mesh_field", error.reason)
        }
        guard let name = told.model, let model = models[name] else {
            return await refuse(exchange, nil, "no_such_model")
        }
        // What is not offered is not there.
        guard link?.offers(model.variant) ?? true else { return await refuse(exchange, nil, "no_such_model") }
        let underWay = exchange.beginRequest(user: nil, model: model.id, from: peer)
        defer { underWay.end() }
        guard case .admitted(let user) = await admit(exchange, to: model, from: peer, link: link) else { return }
        underWay.isOf(user)
        if let block = meetBlocks(underWay) { return await refuse(exchange, block, model) }
        guard model.variant.state == .running else { return await refuse(exchange, model, "not_running") }
        guard model.variant.policy != "local" else { return await refuse(exchange, model, "local_only") }
        if router.view.mesh[router.me]?.identity?.draining == true { return await refuse(exchange, model, "draining") }
        let request = told.request(path, model: model.id, user: user, from: peer, now: exchange.worker.loop.now)
        if let refused = await router.enter(
            model, exchange, queues: told.mayQueue, request.admission(at: peer.siteName))
        {
            switch refused {
            case .clientGone: return
            case .failed(let failure):
                if let block = underWay.ending { return await refuse(exchange, block, model) }
                if failure.isStale { return await refuse(exchange, model, "not_running") }
                return await answer(
                    exchange, failure.status, failure.kind.rawValue, failure.message, model,
                    retryAfterSeconds: failure.retryAfterSeconds)
            case .refused(let seconds): return await refuse(exchange, model, "full", retryAfterSeconds: seconds)
            default: return await refuse(exchange, model, "full")
            }
        }
        let slot = Slot(of: model.gate)
        var taken = request
        do throws(RoutingFailure) {
            try await read(exchange, model, into: &taken)
        } catch {
            return await answer(exchange, error.status, error.kind.rawValue, error.message, model)
        }
        if let block = underWay.ending { return await refuse(exchange, block, model) }
        let attempt = await router.run(taken, model, slot, exchange) { exchange in
            exchange.field("Meshnode-Load", Self.report(model).text)
        }
        router.counters.ranForOthers.increment()
        guard case .failed(let failure) = attempt else { return }
        if let block = underWay.ending { return await refuse(exchange, block, model) }
        if let theirs = failure.answer {
            await exchange.respond(status: theirs.status, contentType: "application/json", body: theirs.body) {
                $0.field("Meshnode-Load", Self.report(model).text)
            }
        } else {
            await answer(exchange, failure.status, failure.kind.rawValue, failure.message, model)
        }
    }

    /// Takes the body of a request that has its slot.
    private func read(
        _ exchange: HTTPExchange, _ model: LocalModel, into request: inout ForwardRequest
    ) async throws(RoutingFailure) {
        let range: Range<Int>
        do throws(HTTPSyntaxError) {
            range = try await exchange.readBody(limit: bodyLimit)
        } catch { throw RoutingFailure(.unsupported, status: error.status, error.reason) }
        let bytes = UnsafeRawBufferPointer(rebasing: exchange.headBytes[range])
        let scan: InferenceBody
        do throws(JSONSyntaxError) {
            scan = try InferenceBody.scan(bytes)
        } catch { throw RoutingFailure(.unsupported, status: 400, error.reason) }
        // What was admitted is what is run.
        guard let named = scan.model, String(decoding: bytes[named], as: UTF8.self) == model.id else {
            throw RoutingFailure(.unsupported, status: 400, "the body names another model than Meshnode-Model")
        }
        request.body = range
        request.modelRange = named
        request.isStream = scan.stream
        request.needs.promptTokens = scan.estimatedPromptTokens
    }

    func refuse(_ exchange: HTTPExchange, _ model: LocalModel?, _ why: String, retryAfterSeconds: Int? = nil) async {
        router.counters.refusals.increment()
        let body = #"{"error":{"message":"refused before queueing","type":"server_error","param":null,"code":"\#(why)"}}"#
        await exchange.respond(status: 503, contentType: "application/json", body: body) {
            $0.field("Meshnode-Refused", why)
            if let retryAfterSeconds { $0.field("Retry-After", retryAfterSeconds) }
            if let model { $0.field("Meshnode-Load", Self.report(model).text) }
        }
    }

    func answer(
        _ exchange: HTTPExchange, _ status: Int, _ code: String, _ message: String, _ model: LocalModel? = nil,
        retryAfterSeconds: Int? = nil
    ) async {
        let type = status < 500 ? "invalid_request_error" : "server_error"
        let body = #"{"error":{"message":"\#(jsonEscaped(message))","type":"\#(type)","param":null,"code":"\#(code)"}}"#
        await exchange.respond(status: status, contentType: "application/json", body: body) {
            if let retryAfterSeconds { $0.field("Retry-After", retryAfterSeconds) }
            if let model { $0.field("Meshnode-Load", Self.report(model).text) }
        }
    }

    static func report(_ model: LocalModel) -> LoadReport {
        let counts = model.gate.counts
        return LoadReport(slots: counts.slots, running: counts.running, waiting: counts.waiting)
    }
}
