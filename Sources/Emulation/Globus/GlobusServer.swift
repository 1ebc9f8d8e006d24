import CLinux
import Glibc
import Transport
import Trust

/// Everything that the emulation knows. Lives on one worker.
final class GlobusServer {
    let settings: GlobusEmulationSettings
    let auth: GlobusAuth
    let compute: GlobusCompute
    let faults = FaultRules()
    let startedAt: UInt64
    var log = RequestLog()

    init(_ start: GlobusStart, context: WorkerContext) {
        settings = start.settings
        startedAt = start.startedAt
        let names = MadeUpNames(seed: settings.seed)
        let beginning = start.startedAt
        let clock = {
            (
                time: Double(mesh_monotonic_ns() &- beginning) / 1e9,
                now: Double(mesh_realtime_ns()) / 1e9
            )
        }
        auth = GlobusAuth(settings: settings, names: names, now: clock().now)
        let worker = start.worker
        compute = GlobusCompute(
            settings: settings, names: names, auth: auth, faults: faults, output: start.output, clock: clock,
            later: { seconds, body in
                worker.spawn { context in
                    let alarm = Alarm(loop: context.loop)
                    await alarm.sleep(nanoseconds: UInt64(seconds * 1e9))
                    body(GlobusServer.of(context, start).compute)
                }
            },
            soon: { body in worker.spawn { context in body(GlobusServer.of(context, start).compute) } })
    }

    static func of(_ context: WorkerContext, _ start: GlobusStart) -> GlobusServer {
        context.attachment(GlobusServer.self) { GlobusServer(start, context: context) }
    }

    /// The answer to a request of a known route.
    ///
    /// - Parameter count: told how many tasks it was about.
    func answer(_ route: GlobusRoute, _ request: GlobusRequest, count: inout Int) -> GlobusAnswer {
        switch route {
        case .introspect: return auth.introspect(request)
        case .token: return auth.token(request)
        case .revoke: return auth.revoke(request)
        case .authorize: return auth.authorize(request)
        case .userinfo: return auth.userInfo(request)
        case .groups: return auth.myGroups(request)
        default: break
        }
        guard let token = auth.token(request.bearer, of: Scopes.computeServer, now: request.now) else {
            return .compute(401, "USER_UNAUTHENTICATED", "Invalid or expired token")
        }
        if let refusal = compute.throttle(token, time: request.time) { return refusal }
        let id = request.segments.count > 2 ? request.segments[2] : ""
        switch route {
        case .version: return compute.version(request)
        case .endpoint: return compute.endpoint(id)
        case .status: return compute.endpointStatus(id)
        case .allowedFunctions: return compute.allowedFunctions(id)
        case .register: return compute.register(request, token)
        case .function: return compute.function(id, token)
        case .deleteFunction: return compute.deleteFunction(id, token)
        case .submit: return compute.submit(request, id, token, count: &count)
        case .batchStatus: return compute.batchStatus(request, token, count: &count)
        case .task: return compute.taskStatus(request, id, token)
        default: return compute.taskGroup(id, token)
        }
    }

    /// The client that a request comes from, as far as it shows, and a few digits of its token's digest.
    func client(_ request: GlobusRequest, _ route: GlobusRoute) -> (client: String?, token: String?) {
        if let bearer = request.bearer {
            return (auth.tokens[bearer]?.client, String(Digest.hex(Digest.sha256(Array(bearer.utf8))).prefix(8)))
        }
        if let (id, _) = GlobusAuth.basic(request.authorization) { return (id, nil) }
        let fields = route == .authorize ? request.query : route.service == "auth" ? Form.read(request.body) : []
        return (fields.first { $0.0 == "client_id" }?.1, nil)
    }
}
