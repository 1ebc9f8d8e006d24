/// When a call to Globus is made again: the SDK's rules (`GLOBUS.md` §1.6).
public struct RetryPolicy: Sendable {
    /// Calls after the first.
    public var retries = 5
    /// Seconds before the first retry, doubled each time.
    public var firstSeconds = 0.25
    /// Longest wait in seconds, also when the server asks for more.
    public var longestSeconds = 10.0
    /// A server that asks for a longer wait in seconds is not asked again.
    public var patienceSeconds = Double.infinity

    public init() {}

    /// For users who wait: one more try, soon.
    public static var once: RetryPolicy {
        var policy = RetryPolicy()
        policy.retries = 1
        policy.patienceSeconds = 1
        return policy
    }

    /// Seconds to wait before retry `number` (from 0), or nil when the error stays what it is.
    func wait(_ number: Int, after error: GlobusError, jitter: Double) -> Double? {
        guard number < retries, error.mayPass else { return nil }
        if let asked = error.retryAfterSeconds {
            return Double(asked) <= patienceSeconds ? min(longestSeconds, Double(max(0, asked))) : nil
        }
        return min(longestSeconds, firstSeconds * Double(1 << min(number, 16)) * (0.5 + jitter))
    }
}

extension RetryPolicy {
    /// Makes a call until it succeeds, its error is final, or the policy's end.
    func run<Value: Sendable>(
        _ clock: GlobusClock, _ jitter: GlobusJitter, _ body: @Sendable () async throws(GlobusError) -> Value
    ) async throws(GlobusError) -> Value {
        var number = 0
        while true {
            do throws(GlobusError) { return try await body() } catch {
                guard let seconds = wait(number, after: error, jitter: jitter.next()), !Task.isCancelled else { throw error }
                number += 1
                await clock.sleep(seconds)
            }
        }
    }
}
