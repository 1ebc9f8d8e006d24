import Synchronization

/// What the first byte takes at one model of one node, as all workers have measured it. Locked for nanoseconds, once a streamed answer.
public final class FirstByteTime: Sendable {
    private struct State {
        var estimate = FirstByteEstimate()
        /// The latest, of streams and of answers in one piece.
        var streams = RecentTimes()
        var wholes = RecentTimes()
    }

    private let state = Mutex(State())
    /// As `lateness`, and when it was measured: bits of a double, monotonic nanoseconds.
    private let lateBits = Atomic<UInt64>(0)
    private let measuredAt = Atomic<UInt64>(0)

    init() {}

    /// One whose lateness is this, and of which nothing else is known.
    init(late seconds: Double, at now: UInt64) {
        lateBits.store(seconds.bitPattern, ordering: .relaxed)
        measuredAt.store(now, ordering: .relaxed)
    }

    /// Seconds beyond what reading the prompt takes, and when that was measured (monotonic nanoseconds; 0: never): what shows a site that
    /// takes requests as if it had room and lets them wait, whatever it tells of its load. A peak, as `FirstByteEstimate` has it.
    var lateness: (seconds: Double, at: UInt64) {
        (Double(bitPattern: lateBits.load(ordering: .relaxed)), measuredAt.load(ordering: .relaxed))
    }

    /// Tokens a second at which a prompt is read at the least.
    private static let readTokensPerSecond = 2000.0

    var measured: FirstByteEstimate { state.withLock { $0.estimate } }

    func add(seconds: Double, promptTokens: Int, now: UInt64) {
        let measured = state.withLock { state in
            state.estimate.add(seconds: seconds, promptTokens: promptTokens, now: now)
            state.streams.add(seconds: seconds, promptTokens: promptTokens)
            return state.estimate
        }
        let late = max(measured.seconds - measured.promptTokens / Self.readTokensPerSecond, 0)
        lateBits.store(late.bitPattern, ordering: .relaxed)
        measuredAt.store(now, ordering: .relaxed)
    }

    /// That of an answer in one piece, which is its last token's too.
    func addWhole(seconds: Double, promptTokens: Int) {
        state.withLock { $0.wholes.add(seconds: seconds, promptTokens: promptTokens) }
    }

    /// Seconds within which so large a part of them came, for prompts of at most `promptTokens`; nil: too few are known.
    func quantile(_ part: Double, isStream: Bool, promptTokens: Int) -> Double? {
        let times = state.withLock { isStream ? $0.streams : $0.wholes }
        return times.quantile(part, promptTokens: promptTokens)
    }
}

/// One wait for a first byte.
struct FirstByteWait {
    /// Takes how long it was; nil: that says nothing.
    let time: FirstByteTime?
    /// Takes it of an answer in one piece; nil: nobody wants to know.
    var whole: FirstByteTime?
    let promptTokens: Int
    /// Monotonic nanoseconds: when the request went out, until when it is waited for while there is something else to try, and until
    /// when in any case.
    let began: UInt64
    private(set) var deadline: UInt64
    let last: UInt64

    /// There is nothing else to try.
    mutating func waitsToTheLast() { deadline = last }

    /// An answer in one piece has come.
    func wholeCame(now: UInt64) { whole?.addWhole(seconds: seconds(now), promptTokens: promptTokens) }

    /// The first byte has come.
    func ended(now: UInt64) { time?.add(seconds: seconds(now), promptTokens: promptTokens, now: now) }

    /// It was waited for long enough: it would have taken so long at least.
    func givenUp(now: UInt64) {
        guard let time, seconds(now) > time.measured.seconds else { return }
        ended(now: now)
    }

    private func seconds(_ now: UInt64) -> Double { Double(now - min(began, now)) * 1e-9 }
}
