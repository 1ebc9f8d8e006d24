import CLinux
import Synchronization

/// The clock of everything that waits.
public func monotonicNanoseconds() -> UInt64 { mesh_monotonic_ns() }

/// The bearer token that a server is shown. Read again when it is due or was refused, by one reader at a time; meanwhile, and when
/// reading fails, the one held is used.
public final class Credential: Sendable {
    /// Nanoseconds before a failed reading is tried again.
    static let retryPause: UInt64 = 5_000_000_000

    private let origin: (any TokenOrigin)?
    private let warn: @Sendable (String) -> Void
    private let clock: @Sendable () -> UInt64
    private let state: Mutex<State>

    private struct State {
        var token: String?
        var authorization: String?
        /// Monotonic nanoseconds.
        var renewAt: UInt64 = 0
        var expiresAt: UInt64 = .max
        var refusalsHeardFrom: UInt64 = 0
        var isReading = false
        var waiters: [CheckedContinuation<Void, Never>] = []

        mutating func hold(_ token: String) {
            self.token = token
            authorization = "Bearer \(token)"
        }
    }

    /// A key that never changes.
    public init(fixed token: String) {
        origin = nil
        warn = { _ in }
        clock = mesh_monotonic_ns
        var state = State()
        state.hold(token)
        self.state = Mutex(state)
    }

    /// A token that is read when first needed.
    ///
    /// - Parameters:
    ///   - first: what was read of the origin already.
    ///   - warn: takes one line, without any secret, each time that reading fails.
    ///   - clock: monotonic nanoseconds.
    public init(
        _ origin: any TokenOrigin, first: TokenReading? = nil, warn: @escaping @Sendable (String) -> Void,
        clock: @escaping @Sendable () -> UInt64 = monotonicNanoseconds
    ) {
        self.origin = origin
        self.warn = warn
        self.clock = clock
        var state = State()
        if let first { Self.take(first, &state, now: clock()) }
        self.state = Mutex(state)
    }

    /// `Authorization` as it stands now; nil: there is no token yet.
    var authorization: String? { state.withLock { $0.authorization } }

    /// Brings the token up to date as far as it must be before a request: waits only when there is none that may be used.
    func prepare() async {
        guard origin != nil else { return }
        let now = clock()
        let (isDue, isUsable) = state.withLock { state in
            (now >= state.renewAt, state.token != nil && now < state.expiresAt)
        }
        guard isDue else { return }
        if isUsable { startReading(refused: nil) } else { await read(refused: nil) }
    }

    /// To be called when a server answered 401.
    ///
    /// - Parameter refused: the `Authorization` it was shown.
    /// - Returns: true when there is another one to show.
    func renew(refused: String?) async -> Bool {
        guard let origin else { return false }
        let now = clock()
        let (mayRead, token) = state.withLock { state -> (Bool, String?) in
            // Another request was refused as well, and has seen to it.
            guard state.authorization == refused, now >= state.refusalsHeardFrom else { return (false, nil) }
            state.refusalsHeardFrom = now &+ origin.refusalPause
            return (true, state.token)
        }
        if mayRead { await read(refused: token ?? "") }
        return state.withLock { $0.authorization != nil && $0.authorization != refused }
    }

    // MARK: Reading

    /// Waits until a reading that began from now on, or was under way already, has ended.
    private func read(refused: String?) async {
        await waitForReading(refused: refused)
        // One that was under way did not know of the refusal.
        if let refused, state.withLock({ $0.token == refused }) { await waitForReading(refused: refused) }
    }

    private func waitForReading(refused: String?) async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.waiters.append(continuation) }
            startReading(refused: refused)
        }
    }

    private func startReading(refused: String?) {
        guard let origin else { return }
        let isFirst = state.withLock { state in
            if state.isReading { return false }
            state.isReading = true
            return true
        }
        guard isFirst else { return }
        Task.detached {
            let result: Result<TokenReading, TokenFailure>
            do throws(TokenFailure) {
                result = .success(try await origin.read(refused: refused))
            } catch { result = .failure(error) }
            self.ended(result)
        }
    }

    private func ended(_ result: Result<TokenReading, TokenFailure>) {
        let now = clock()
        let (waiters, hasToken) = state.withLock { state in
            switch result {
            case .success(let reading): Self.take(reading, &state, now: now)
            case .failure:
                state.renewAt = now &+ Self.retryPause
                // An old token may still be good; none certainly is not.
                state.expiresAt = .max
            }
            state.isReading = false
            defer { state.waiters = [] }
            return (state.waiters, state.token != nil)
        }
        if case .failure(let failure) = result { warn("\(failure)\(hasToken ? "; the one held is kept" : "")") }
        for waiter in waiters { waiter.resume() }
    }

    private static func take(_ reading: TokenReading, _ state: inout State, now: UInt64) {
        if reading.token != state.token { state.hold(reading.token) }
        state.renewAt = now &+ reading.renewAfter
        state.expiresAt = reading.expiresAfter.map { now &+ $0 } ?? .max
    }
}
