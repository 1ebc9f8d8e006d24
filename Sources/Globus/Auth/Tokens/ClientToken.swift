import Synchronization
public import Transport

/// A token for the node itself, by its client's credentials (`GLOBUS.md` §1.4). Renewed in the background ahead of its expiry, one
/// question at a time; the old one serves until then, also while renewing fails.
public final class ClientToken: Sendable {
    private let client: GlobusClient
    private let scope: String
    private let resourceServer: String
    private let service: AuthService
    private let clock: GlobusClock
    private let jitter: GlobusJitter
    private let policy: RetryPolicy
    private let state = Mutex(State())

    private struct Held: Sendable {
        let token: String
        /// Monotonic nanoseconds.
        let renewAt: UInt64
        let expiresAt: UInt64
    }

    private struct State {
        var held: Held?
        var isAsking = false
        var waiting: [UnsafeContinuation<Result<String, GlobusError>, Never>] = []
        /// After a failure nobody asks before this; monotonic nanoseconds.
        var quietUntil: UInt64 = 0
        var failure: GlobusError?
    }

    /// Seconds of its life before which a token is asked for anew: a tenth, within these.
    static let aheadSeconds: ClosedRange<UInt64> = 60...3600
    /// Seconds after a failure in which it is told again instead of asking.
    static let quietSeconds: UInt64 = 1

    /// - Parameters:
    ///   - scope: space separated, if more than one of the same server.
    ///   - resourceServer: whose token is wanted: `funcx_service` for Globus Compute.
    public init(
        client: GlobusClient, scope: String, resourceServer: String, services: GlobusServices, web: WebClient,
        clock: GlobusClock = .system, jitter: GlobusJitter, policy: RetryPolicy = RetryPolicy()
    ) {
        self.client = client
        self.scope = scope
        self.resourceServer = resourceServer
        service = AuthService(services: services, web: web)
        self.clock = clock
        self.jitter = jitter
        self.policy = policy
    }

    /// The scope and server of Globus Compute.
    public static let computeScope = "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all"
    public static let computeServer = "funcx_service"

    /// The token, from memory unless there is none that lives.
    public func token() async throws(GlobusError) -> String {
        let now = clock.monotonic()
        let (held, renews) = state.withLock { state -> (String?, Bool) in
            guard let held = state.held, held.expiresAt > now else { return (nil, false) }
            guard held.renewAt <= now, !state.isAsking, state.quietUntil <= now else { return (held.token, false) }
            state.isAsking = true
            return (held.token, true)
        }
        if renews { Task { await self.ask() } }
        if let held { return held }
        return try await withUnsafeContinuation { continuation in wait(continuation, now) }.get()
    }

    /// The service did not take this token: the next caller gets a new one.
    public func drop(_ token: String) {
        state.withLock { if $0.held?.token == token { $0.held = nil } }
    }

    private func wait(_ continuation: UnsafeContinuation<Result<String, GlobusError>, Never>, _ now: UInt64) {
        enum Step { case answer(Result<String, GlobusError>), ask, wait }
        let step = state.withLock { state -> Step in
            if let held = state.held, held.expiresAt > now { return .answer(.success(held.token)) }
            if let failure = state.failure, state.quietUntil > now, !state.isAsking { return .answer(.failure(failure)) }
            state.waiting.append(continuation)
            guard !state.isAsking else { return .wait }
            state.isAsking = true
            return .ask
        }
        switch step {
        case .answer(let outcome): continuation.resume(returning: outcome)
        case .ask: Task { await self.ask() }
        case .wait: break
        }
    }

    private func ask() async {
        let asked = clock.monotonic()
        let outcome: Result<GlobusToken, GlobusError>
        do throws(GlobusError) {
            outcome = .success(
                try await policy.run(clock, jitter) { () async throws(GlobusError) in try await self.request() })
        } catch { outcome = .failure(error) }
        let waiting = state.withLock { state -> [UnsafeContinuation<Result<String, GlobusError>, Never>] in
            state.isAsking = false
            switch outcome {
            case .success(let token):
                let life = token.expiresInSeconds
                let ahead = min(life / 2, max(Self.aheadSeconds.lowerBound, min(life / 10, Self.aheadSeconds.upperBound)))
                state.held = Held(
                    token: token.accessToken, renewAt: asked + (life - ahead) * 1_000_000_000,
                    expiresAt: asked + life * 1_000_000_000)
                state.failure = nil
            case .failure(let error):
                state.failure = error
                state.quietUntil = clock.monotonic() + Self.quietSeconds * 1_000_000_000
            }
            defer { state.waiting.removeAll() }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: outcome.map(\.accessToken)) }
    }

    private func request() async throws(GlobusError) -> GlobusToken {
        let answer = try await service.post(
            "/v2/oauth2/token", [("grant_type", "client_credentials"), ("scope", scope)], .confidential(client))
        guard let token = GlobusToken.all(answer).first(where: { $0.resourceServer == resourceServer }) else {
            throw GlobusError(.badRequest, "Globus Auth gave no token for \(resourceServer)")
        }
        return token
    }
}
