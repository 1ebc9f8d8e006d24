import CLinux
import Gossip
public import Routing
import Storage
import Synchronization
public import Transport

/// What the API needs of the program around it.
public protocol NodeControl: Sendable {
    /// nil when the node is ready for requests; otherwise what it waits for.
    var notReady: String? { get }
    /// Takes the node out of the mesh's choice, or back in.
    func setDraining(_ draining: Bool) async
    /// What the operator has blocked was changed: ends what meets it.
    func blocksChanged() async
    /// Lines of Prometheus text that others than the API count.
    func metrics() async -> String
    func log(_ level: LogLevel, _ message: String)
}

public enum LogLevel: Int, Sendable, Comparable {
    case debug, info, warning, error
    public static func < (a: LogLevel, b: LogLevel) -> Bool { a.rawValue < b.rawValue }
}

/// The API port: who is it, what do they want, and the answer.
public final class NodeAPI: HTTPHandler {
    let router: Router
    let authenticator: any Authenticator
    let facts: NodeFacts
    let control: any NodeControl
    let entry: String
    let metrics = RequestMetrics()
    let logins = LoginStates()
    /// Tasks whose functions may call back.
    let callbacks: CallbackTable
    let callbackCounters = CallbackCounters()

    public init(
        router: Router, authenticator: any Authenticator, facts: NodeFacts, control: any NodeControl,
        callbacks: CallbackTable = CallbackTable()
    ) {
        self.callbacks = callbacks
        self.router = router
        self.authenticator = authenticator
        self.facts = facts
        self.control = control
        entry = "\(router.me.site)/\(router.me.node)"
    }

    public var inFlight: Int { metrics.inFlight.load(ordering: .relaxed) }

    public func refused(_ error: TransportError, from address: SocketAddress?) {
        control.log(.info, "API connection from \(address?.description ?? "unknown") refused: \(error.message)")
    }

    public func handle(_ exchange: HTTPExchange) async {
        let call = Call(exchange: exchange, requestID: RequestID.make(exchange.worker), entry: entry)
        metrics.inFlight.add(1, ordering: .relaxed)
        do throws(APIError) {
            try await dispatch(call)
        } catch {
            await error.send(exchange) { call.fields($0) }
        }
        metrics.inFlight.subtract(1, ordering: .relaxed)
        metrics.count(call.route, status: exchange.status, nanoseconds: exchange.worker.loop.now &- exchange.startedAt)
    }

    private func dispatch(_ call: Call) async throws(APIError) {
        let exchange = call.exchange
        guard let entry = exchange.withPath({ RouteTable.find($0) }) else {
            throw APIError(404, code: "unknown_route", unknownRoute(exchange.path))
        }
        call.route = entry.route
        guard RouteTable.allows(entry, exchange.head.method) else {
            throw APIError(
                405, code: "method_not_allowed", "\(entry.path) takes \(RouteTable.allow(entry)) only",
                allow: RouteTable.allow(entry))
        }
        if let role = entry.role {
            let caller = try await identify(call)
            guard caller.role >= role else {
                throw APIError(
                    403, type: "permission_error", code: "role_too_low",
                    "\(entry.path) needs the role \(role.name); this token has \(caller.role.name)")
            }
            call.caller = caller
            try checkBlocks(caller)
        }
        switch entry.route {
        case .chat: try await infer(call, "/v1/chat/completions", .chat)
        case .completions: try await infer(call, "/v1/completions", .completions)
        case .embeddings: try await infer(call, "/v1/embeddings", .embeddings)
        case .models: try await listModels(call)
        case .model: try await showModel(call)
        case .topology: await call.json(topology(now: exchange.worker.loop.now))
        case .catalog: await call.json(catalog(now: exchange.worker.loop.now))
        case .load: await call.json(load(now: exchange.worker.loop.now))
        case .explain: try await explainRoute(call)
        case .receipts: try await listReceipts(call)
        case .receipt: try await showReceipt(call)
        case .drain: await setDraining(call, true)
        case .undrain: await setDraining(call, false)
        case .invites: try await inviteSite(call)
        case .blocks: try await blocks(call)
        case .unblock: try await unblock(call)
        case .isolate: try await isolate(call)
        case .audit: try await auditEntries(call)
        case .auditWitnesses: try await auditWitnesses(call)
        case .federation: try await showFederation(call)
        case .federationStatements: try await takeStatements(call)
        case .federationRevoke: try await revokeMember(call)
        case .federationRenew: try await renewCertificate(call)
        case .metrics: await answerMetrics(call)
        case .health: await call.json(#"{"status":"ok"}"#)
        case .ready: await answerReady(call)
        case .console: await answerConsole(call)
        case .wellKnown: await call.json(wellKnown())
        case .protectedResource: await call.json(try protectedResource())
        case .keys: try await keys(call)
        case .key: try await revokeKey(call)
        case .login: try await startLogin(call)
        case .loginCallback: try await finishLogin(call)
        case .loginKey: try await makeKeyByForm(call)
        case .policy: try await explainPolicy(call)
        case .meshPolicy: try await explainPolicyOfAnother(call)
        case .functionAnswer: await takeFunctionAnswer(call)
        case .firstData: await takeFIRSTCallback(call, .data)
        case .firstError: await takeFIRSTCallback(call, .error)
        case .firstDone: await takeFIRSTCallback(call, .done)
        }
    }

    private func unknownRoute(_ path: String) -> String {
        let paths = RouteTable.entries.map { $0.path.description }
        let hint = nearest(path, among: paths).map { "; did you mean \($0)?" } ?? ""
        return "no route \(path.prefix(200))\(hint)"
    }

    private func setDraining(_ call: Call, _ draining: Bool) async {
        await control.setDraining(draining)
        facts.audit?.record(
            .operator, actor: call.caller?.name ?? "unknown", subject: "node", detail: draining ? "drain" : "undrain")
        control.log(.warning, "\(draining ? "drain" : "undrain") by \(call.caller?.name ?? "unknown")")
        await call.json(#"{"draining":\#(draining),"inFlight":\#(max(0, inFlight - 1))}"#)
    }

    private func answerReady(_ call: Call) async {
        if let missing = control.notReady {
            await call.json(#"{"ready":false,"reason":"\#(jsonEscaped(missing))"}"#, status: 503)
        } else {
            await call.json(#"{"ready":true}"#)
        }
    }
}

/// Callbacks that were turned away.
final class CallbackCounters: Sendable {
    /// Of tasks that are not awaited: ended, or never made here.
    let unknown = Atomic<Int>(0)
    /// With a missing or wrong secret.
    let refused = Atomic<Int>(0)
}

/// One request as the API sees it.
final class Call {
    let exchange: HTTPExchange
    let requestID: String
    let entry: String
    var caller: Caller?
    var route: Route?

    init(exchange: HTTPExchange, requestID: String, entry: String) {
        self.exchange = exchange
        self.requestID = requestID
        self.entry = entry
    }

    /// The fields of every answer.
    func fields(_ exchange: HTTPExchange) {
        exchange.field("X-Request-Id", requestID)
        if let range = exchange.head.first(.xRequestID), range.count <= 256 {
            exchange.field("X-Client-Request-Id", UnsafeRawBufferPointer(rebasing: exchange.headBytes[range]))
        }
        exchange.field("X-Mesh-Entry", entry)
    }

    func json(_ text: String, status: Int = 200) async {
        await exchange.respond(status: status, contentType: "application/json", body: text) {
            $0.field("Cache-Control", "no-store")
            self.fields($0)
        }
    }
}

/// Our own names of requests: unguessable enough, unique surely.
enum RequestID {
    private final class Source {
        var generator: SplitMix64
        init() { generator = SplitMix64(seed: UInt64.random(in: 0 ... .max)) }
    }

    static func make(_ worker: WorkerContext) -> String {
        let source = worker.attachment(Source.self) { Source() }
        let high = source.generator.next()
        let low = source.generator.next()
        return String(unsafeUninitializedCapacity: 36) { buffer in
            buffer[0] = UInt8(ascii: "r")
            buffer[1] = UInt8(ascii: "e")
            buffer[2] = UInt8(ascii: "q")
            buffer[3] = UInt8(ascii: "_")
            for index in 0..<32 {
                let word = index < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: word >> UInt64((15 - index % 16) * 4)) & 15
                buffer[4 + index] = nibble < 10 ? 48 + nibble : 87 + nibble
            }
            return 36
        }
    }
}
