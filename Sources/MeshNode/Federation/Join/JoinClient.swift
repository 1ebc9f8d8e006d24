import CLinux
import Routing
import Transport
import Trust

/// Asks a registration authority to take this node in.
///
/// Nothing secret is sent before whoever answers has shown a certificate of the federation below the root that the invitation names.
struct JoinClient: Sendable {
    let token: InviteToken
    let request: CertificateRequest
    let node: String
    /// Names by which the node is reached, besides the address that leads to the federation.
    let names: [String]
    /// The proxy that leads out of here; nil: none is needed.
    let proxy: HTTPProxy?

    /// What came of it, verified.
    struct Outcome: Sendable {
        let answer: JoinAnswer
        /// The ledger that the invitation's root and the answer's statements make.
        let ledger: TrustLedger
        /// This machine's address towards the federation.
        let localAddress: String
    }

    /// Seconds for the whole of it.
    private static let seconds: UInt64 = 20
    private static let bundleBytes = 1 << 18

    /// Makes the join, and waits for it. On the main thread only.
    func run() throws(JoinFailure) -> Outcome {
        let worker: Worker
        do throws(TransportError) {
            worker = try Worker(index: 0)
        } catch { throw JoinFailure(error.message) }
        worker.start()
        defer { worker.stop() }
        let result = Blocking.run { () async -> Result<Outcome, JoinFailure> in
            await worker.run { context in
                do throws(JoinFailure) {
                    return .success(try await join(context))
                } catch { return .failure(error) }
            }
        }
        return try result.get()
    }

    private func join(_ worker: WorkerContext) async throws(JoinFailure) -> Outcome {
        guard let target = HostPort(token.address) else {
            throw JoinFailure("the invitation's address \(Quoting.excerpt(token.address)) is none")
        }
        let upstream = Upstream(
            target: target, tls: try Self.context(), way: proxy?.way(to: target.host) ?? .direct)
        let deadline = mesh_monotonic_ns() &+ Self.seconds * 1_000_000_000
        var local = ""
        // 1) What the federation trusts, as far as the invitation's pin bears it out.
        let first = try await ask(worker, upstream, EnrolmentRoutes.bundlePath, [], Self.bundleBytes, deadline) { stream in
            local = stream.localAddress?.host ?? ""
        }
        let ledger = try JoinCheck(token: token).ledger(first)
        // 2) The secret, to a node of the federation alone: on whatever connection it goes.
        var wanted = names
        if !local.isEmpty, !wanted.contains(local) { wanted.append(local) }
        let body = JoinJSON.encode(
            JoinRequest(
                secret: Base64.encodeURL(token.secret), request: Base64.encode(request.der), node: node, names: wanted))
        let second = try await ask(
            worker, upstream, EnrolmentRoutes.joinPath, body, EnrolmentRoutes.answerBytes, deadline
        ) { (stream) throws(TransportError) in try JoinCheck(token: token).server(stream, ledger) }
        let answer = try JoinCheck(token: token).answer(second, ledger, request: request, node: node)
        return Outcome(answer: answer, ledger: ledger, localAddress: local)
    }

    private func ask(
        _ worker: WorkerContext, _ upstream: Upstream, _ path: StaticString, _ body: [UInt8], _ limit: Int,
        _ deadline: UInt64,
        check: (Stream) throws(TransportError) -> Void
    ) async throws(JoinFailure) -> HTTPAnswer {
        while true {
            let answer = try await askOnce(worker, upstream, path, body, limit, deadline, check: check)
            // Many nodes of one site may come at once, from one address: those that are held back wait their turn.
            guard answer.status == 429, worker.loop.now &+ Self.pauseNanoseconds < deadline else { return answer }
            await Alarm(loop: worker.loop).sleep(nanoseconds: Self.pauseNanoseconds)
        }
    }

    /// Before a node that was held back asks again.
    private static let pauseNanoseconds: UInt64 = 1_000_000_000

    private func askOnce(
        _ worker: WorkerContext, _ upstream: Upstream, _ path: StaticString, _ body: [UInt8], _ limit: Int,
        _ deadline: UInt64, check: (Stream) throws(TransportError) -> Void
    ) async throws(JoinFailure) -> HTTPAnswer {
        do throws(TransportError) {
            return try await worker.pool.request(
                upstream, method: body.isEmpty ? "GET" : "POST", target: path.description,
                fields: [("Content-Type", "application/json")], body: body, limit: limit, deadline: deadline,
                checkPeer: check)
        } catch {
            switch error.code {
            case .revoked: throw JoinFailure(error.message)
            case .tls, .handshakeCut:
                throw JoinFailure(
                    "no secure connection with \(token.address): \(error.message); is it the mesh port of a MeshNode?",
                    isWorthARetry: true)
            default:
                throw JoinFailure("cannot reach \(token.address): \(error.message)", isWorthARetry: true)
            }
        }
    }

    /// Takes any certificate in the handshake and keeps it: it is judged once the federation's roots are known.
    private static func context() throws(JoinFailure) -> TLSContext {
        var settings = TLSContext.Settings(role: .client, verification: .custom { $0 })
        settings.applicationProtocols = [EnrolmentRoutes.applicationProtocol]
        settings.onlyNewest = true
        do throws(TransportError) {
            return try TLSContext(settings)
        } catch { throw JoinFailure(error.message) }
    }
}
