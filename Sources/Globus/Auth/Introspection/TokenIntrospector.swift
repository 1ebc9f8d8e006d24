import Synchronization
public import Transport
import Trust

/// Tells who a user's token speaks for. A known token costs a digest and a look into a table; a hundred requests with one new
/// token cause one question to Globus; a failure to ask is never taken for a refusal.
public final class TokenIntrospector: Sendable {
    private typealias Waiter = UnsafeContinuation<Introspection, Never>

    private struct State {
        var machine: IntrospectionMachine
        var waiting: [SHA256Digest: [Waiter]] = [:]
        /// Questions under way, and those in line behind them.
        var running = 0
        var line: [Question] = []
    }

    private struct Question: Sendable {
        let digest: SHA256Digest
        let token: String
        let client: String?
    }

    private let settings: IntrospectionSettings
    private let question: TokenQuestion
    private let clock: GlobusClock
    private let jitter: GlobusJitter
    private let policy: RetryPolicy
    private let state: Mutex<State>
    private let asked = Atomic<Int>(0)

    /// - Parameter policy: how often a question is made again while users wait for it.
    public init(
        settings: IntrospectionSettings, services: GlobusServices, web: WebClient, clock: GlobusClock = .system,
        jitter: GlobusJitter = GlobusJitter(seed: 0), policy: RetryPolicy = .once
    ) {
        self.settings = settings
        self.clock = clock
        self.jitter = jitter
        self.policy = policy
        question = TokenQuestion(settings, AuthService(services: services, web: web), clock)
        state = Mutex(State(machine: IntrospectionMachine(settings)))
    }

    /// Questions made so far, for metrics.
    public var questions: Int { asked.load(ordering: .relaxed) }

    /// - Parameters:
    ///   - token: as it came behind `Bearer `.
    ///   - client: who brings it, by network address: one that brings many unknown tokens at once is told to come back. nil: it is
    ///     not counted.
    public func identify(_ token: [UInt8], from client: String? = nil) async -> Introspection {
        guard (1...TokenLimits.tokenBytes).contains(token.count), token.allSatisfy({ (33...126).contains($0) }) else {
            return .refused(GlobusRefusal(.malformed, "the token is none of Globus'"))
        }
        let digest = token.withUnsafeBytes { Trust.Digest.sha256($0) }
        let step = decide(digest, client)
        switch step {
        case .answer(let answer): return answer
        case .answerAndAsk(let answer):
            start(Question(digest: digest, token: String(decoding: token, as: UTF8.self), client: client))
            return answer
        case .ask, .wait: break
        }
        let asked = Question(digest: digest, token: String(decoding: token, as: UTF8.self), client: client)
        return await withUnsafeContinuation { continuation in wait(asked, continuation, starts: step == .ask) }
    }

    private func decide(_ digest: SHA256Digest, _ client: String?) -> IntrospectionMachine.Step {
        let now = clock.monotonic()
        let wall = clock.wallSeconds()
        return state.withLock { $0.machine.arrived(digest, from: client, now: now, wall: wall) }
    }

    /// Waits for a question: a new one, or one under way. That may have ended a moment ago, and then all begins anew.
    private func wait(_ asked: Question, _ waiter: Waiter, starts: Bool) {
        let now = clock.monotonic()
        let wall = clock.wallSeconds()
        let step = state.withLock { state -> IntrospectionMachine.Step in
            var step = IntrospectionMachine.Step.wait
            if starts {
                step = .ask
            } else if !state.machine.asking.contains(asked.digest) {
                step = state.machine.arrived(asked.digest, from: asked.client, now: now, wall: wall)
            }
            if step == .ask || step == .wait { state.waiting[asked.digest, default: []].append(waiter) }
            return step
        }
        switch step {
        case .answer(let answer): waiter.resume(returning: answer)
        case .answerAndAsk(let answer):
            waiter.resume(returning: answer)
            start(asked)
        case .ask: start(asked)
        case .wait: break
        }
    }

    private func start(_ question: Question) {
        let starts = state.withLock { state -> Bool in
            guard state.running < settings.concurrentQuestions else {
                state.line.append(question)
                return false
            }
            state.running += 1
            return true
        }
        if starts { Task { await self.run(question) } }
    }

    /// Asks, and then for whoever stands in line.
    private func run(_ first: Question) async {
        var next: Question? = first
        while let question = next {
            await ask(question)
            next = state.withLock { state in
                if state.line.isEmpty {
                    state.running -= 1
                    return nil
                }
                return state.line.removeFirst()
            }
        }
    }

    private func ask(_ asked: Question) async {
        let question = question
        let outcome: Result<Result<GlobusIdentity, GlobusRefusal>, GlobusError>
        do throws(GlobusError) {
            outcome = .success(
                try await policy.run(clock, jitter) { () async throws(GlobusError) in
                    self.asked.add(1, ordering: .relaxed)
                    return try await question.ask(asked.token, asked.digest)
                })
        } catch { outcome = .failure(error) }
        let now = clock.monotonic()
        let wall = clock.wallSeconds()
        let (answer, waiting) = state.withLock { state -> (Introspection, [Waiter]) in
            let answer =
                switch outcome {
                case .success(let found): state.machine.answered(asked.digest, found, now: now, wall: wall)
                case .failure(let error): state.machine.failed(asked.digest, error, now: now, wall: wall)
                }
            return (answer, state.waiting.removeValue(forKey: asked.digest) ?? [])
        }
        for waiter in waiting { waiter.resume(returning: answer) }
    }
}
