import Synchronization

/// What the first byte takes at one model of one node, as all workers have measured it. Locked for nanoseconds, once a streamed answer.
public final class FirstByteTime: Sendable {
    private let estimate = Mutex(FirstByteEstimate())

    init() {}

    var measured: FirstByteEstimate { estimate.withLock { $0 } }

    func add(seconds: Double, promptTokens: Int, now: UInt64) {
        estimate.withLock { $0.add(seconds: seconds, promptTokens: promptTokens, now: now) }
    }
}

/// One wait for a first byte.
struct FirstByteWait {
    /// Takes how long it was; nil: that says nothing.
    let time: FirstByteTime?
    let promptTokens: Int
    /// Monotonic nanoseconds: when the request went out, until when it is waited for while there is something else to try, and until
    /// when in any case.
    let began: UInt64
    let deadline: UInt64
    let last: UInt64

    /// The first byte has come.
    func ended(now: UInt64) { time?.add(seconds: seconds(now), promptTokens: promptTokens, now: now) }

    /// It was waited for long enough: it would have taken so long at least.
    func givenUp(now: UInt64) {
        guard let time, seconds(now) > time.measured.seconds else { return }
        ended(now: now)
    }

    private func seconds(_ now: UInt64) -> Double { Double(now - min(began, now)) * 1e-9 }
}
