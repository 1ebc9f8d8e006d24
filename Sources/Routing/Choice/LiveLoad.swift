import Synchronization

/// The newest that is known of one model at one node: its gossiped load, what its answers told since, and what this node itself
/// has under way there. Shared by all workers and kept over changes of the view.
public final class LiveLoad: Sendable {
    private let slotCount = Atomic<Int>(0)
    private let runningCount = Atomic<Int>(0)
    private let waitingCount = Atomic<Int>(0)
    private let heardNanoseconds = Atomic<UInt64>(0)
    private let sentSinceHeard = Atomic<Int>(0)
    private let underWay = Atomic<Int>(0)
    private let failedNanoseconds = Atomic<UInt64>(0)
    private let failureCount = Atomic<Int>(0)
    private let triedNanoseconds = Atomic<UInt64>(0)
    private let recoveredNanoseconds = Atomic<UInt64>(0)
    private let contradictions = Atomic<Int>(0)
    private let walltimeEndNanoseconds = Atomic<UInt64>(0)
    private let tokensPerSecondBits = Atomic<UInt64>(0)
    private let roundTripNanoseconds = Atomic<UInt64>(0)
    /// Of free slots over the last minutes: their mean and the mean of their squares, as bits of doubles.
    private let meanFreeBits = Atomic<UInt64>(0)
    private let meanSquareBits = Atomic<UInt64>(0)
    static let usualNanoseconds = 60e9

    /// What the first byte of a streamed answer takes there.
    public let firstByte: FirstByteTime

    public init() { firstByte = FirstByteTime() }

    /// One whose reading is exactly this.
    init(_ sample: Sample) {
        firstByte = FirstByteTime(late: sample.lateSeconds, at: sample.lateAt)
        slotCount.store(sample.slots, ordering: .relaxed)
        runningCount.store(sample.running, ordering: .relaxed)
        waitingCount.store(sample.waiting, ordering: .relaxed)
        sentSinceHeard.store(sample.sentSince, ordering: .relaxed)
        heardNanoseconds.store(sample.heard, ordering: .relaxed)
        failedNanoseconds.store(sample.failed, ordering: .relaxed)
        let roundTrip = sample.roundTripSeconds.isFinite ? min(max(sample.roundTripSeconds, 0), 60) : 0
        roundTripNanoseconds.store(UInt64((roundTrip * 1e9).rounded()), ordering: .relaxed)
        meanFreeBits.store(sample.meanFree.bitPattern, ordering: .relaxed)
        meanSquareBits.store(sample.meanSquare.bitPattern, ordering: .relaxed)
        failureCount.store(sample.failures, ordering: .relaxed)
        triedNanoseconds.store(sample.tried, ordering: .relaxed)
        recoveredNanoseconds.store(sample.recovered, ordering: .relaxed)
        walltimeEndNanoseconds.store(sample.walltimeEnds, ordering: .relaxed)
        tokensPerSecondBits.store(sample.tokensPerSecond.bitPattern, ordering: .relaxed)
    }

    /// Takes a report made at `now` (monotonic nanoseconds); an older one than is known changes nothing.
    public func update(slots: Int, running: Int, waiting: Int, now: UInt64) {
        let before = heardNanoseconds.load(ordering: .relaxed)
        guard now >= before else { return }
        learn(
            free: Double(Self.believable(slots) - Self.believable(running) - Self.believable(waiting)), since: before,
            now: now)
        slotCount.store(Self.believable(slots), ordering: .relaxed)
        runningCount.store(Self.believable(running), ordering: .relaxed)
        waitingCount.store(Self.believable(waiting), ordering: .relaxed)
        heardNanoseconds.store(now, ordering: .relaxed)
        sentSinceHeard.store(0, ordering: .relaxed)
    }

    /// Moves the means by as much as the time since the last report says.
    private func learn(free: Double, since before: UInt64, now: UInt64) {
        let passed = Double(now - before)
        let weight = before == 0 ? 1 : passed / (passed + Self.usualNanoseconds)
        let mean = Double(bitPattern: meanFreeBits.load(ordering: .relaxed))
        let square = Double(bitPattern: meanSquareBits.load(ordering: .relaxed))
        meanFreeBits.store((mean + (free - mean) * weight).bitPattern, ordering: .relaxed)
        meanSquareBits.store((square + (free * free - square) * weight).bitPattern, ordering: .relaxed)
    }

    /// What a peer says may be any number, or none.
    static func nanoseconds(_ seconds: Double) -> UInt64 { seconds > 0 ? UInt64(min(seconds, 1e8) * 1e9) : 0 }

    /// What a peer says may be any number; sums of these never overflow.
    private static func believable(_ count: Int) -> Int { min(max(count, 0), 999_999) }

    /// Takes what this node's own gate counts: always exact, never old.
    package func set(slots: Int, running: Int, waiting: Int) {
        slotCount.store(slots, ordering: .relaxed)
        runningCount.store(running, ordering: .relaxed)
        waitingCount.store(waiting, ordering: .relaxed)
        heardNanoseconds.store(.max, ordering: .relaxed)
    }

    /// A request of ours goes there.
    ///
    /// - Parameter now: monotonic nanoseconds.
    public func began(now: UInt64 = 0) {
        if failureCount.load(ordering: .relaxed) > 0 { triedNanoseconds.store(now, ordering: .relaxed) }
        sentSinceHeard.add(1, ordering: .relaxed)
        underWay.add(1, ordering: .relaxed)
    }

    /// It has ended.
    ///
    /// - Parameter reported: its answer brought a report, which counted it as running; otherwise it was counted as sent.
    public func ended(reported: Bool) {
        underWay.subtract(1, ordering: .relaxed)
        if reported { Self.decrement(runningCount) } else { Self.decrement(sentSinceHeard) }
    }

    /// Not below zero: a report that came in between has set the count anew.
    private static func decrement(_ counter: borrowing Atomic<Int>) {
        var value = counter.load(ordering: .relaxed)
        while value > 0 {
            let (exchanged, original) = counter.weakCompareExchange(expected: value, desired: value - 1, ordering: .relaxed)
            if exchanged { return }
            value = original
        }
    }

    /// It could not be reached, or broke before its first byte.
    ///
    /// What was sent there before its last failure, and fails too, fails of the same cause: twenty requests that one death takes are one
    /// failure, and no reason to leave it alone for a minute.
    ///
    /// - Parameter began: when the try was made, monotonic nanoseconds; nil: now.
    public func failed(now: UInt64, began: UInt64? = nil) {
        let began = began ?? now
        var last = failedNanoseconds.load(ordering: .relaxed)
        while last == 0 || began >= last {
            let (exchanged, original) = failedNanoseconds.compareExchange(
                expected: last, desired: now, ordering: .relaxed)
            if exchanged {
                failureCount.add(1, ordering: .relaxed)
                return
            }
            last = original
        }
    }

    /// It has answered.
    ///
    /// - Parameter now: monotonic nanoseconds.
    public func succeeded(now: UInt64) {
        contradictions.store(0, ordering: .relaxed)
        // One that has failed but once is as good as before.
        if failureCount.exchange(0, ordering: .relaxed) > 1 { recoveredNanoseconds.store(now, ordering: .relaxed) }
        failedNanoseconds.store(0, ordering: .relaxed)
    }

    /// It has refused, and told its load with that. One that goes on refusing while it tells of free slots is a liar or ill: it has failed.
    public func refused(now: UInt64) {
        guard sample().free > 0 else { return contradictions.store(0, ordering: .relaxed) }
        guard contradictions.add(1, ordering: .relaxed).newValue >= Self.mostContradictions else { return }
        failed(now: now)
    }

    static let mostContradictions = 3

    /// What it tells of its job's end and of its speed.
    ///
    /// - Parameters:
    ///   - walltimeEnds: monotonic nanoseconds; nil: none is known.
    ///   - tokensPerSecond: of one answer.
    public func learn(walltimeEnds: UInt64?, tokensPerSecond: Double?) {
        walltimeEndNanoseconds.store(walltimeEnds.map { max($0, 1) } ?? 0, ordering: .relaxed)
        let speed = tokensPerSecond.map { $0.isFinite ? min(max($0, 0), 1e6) : 0 } ?? 0
        tokensPerSecondBits.store(speed.bitPattern, ordering: .relaxed)
    }

    /// What a message there and its answer take.
    public func setRoundTrip(seconds: Double) {
        roundTripNanoseconds.store(min(Self.nanoseconds(seconds), 60_000_000_000), ordering: .relaxed)
    }

    public func sample() -> Sample {
        let late = firstByte.lateness
        return Sample(
            slots: slotCount.load(ordering: .relaxed), running: runningCount.load(ordering: .relaxed),
            waiting: waitingCount.load(ordering: .relaxed), sentSince: sentSinceHeard.load(ordering: .relaxed),
            heard: heardNanoseconds.load(ordering: .relaxed), failed: failedNanoseconds.load(ordering: .relaxed),
            roundTripSeconds: Double(roundTripNanoseconds.load(ordering: .relaxed)) * 1e-9,
            meanFree: Double(bitPattern: meanFreeBits.load(ordering: .relaxed)),
            meanSquare: Double(bitPattern: meanSquareBits.load(ordering: .relaxed)),
            failures: failureCount.load(ordering: .relaxed), tried: triedNanoseconds.load(ordering: .relaxed),
            recovered: recoveredNanoseconds.load(ordering: .relaxed),
            walltimeEnds: walltimeEndNanoseconds.load(ordering: .relaxed),
            tokensPerSecond: Double(bitPattern: tokensPerSecondBits.load(ordering: .relaxed)), lateSeconds: late.seconds,
            lateAt: late.at)
    }

    /// One reading.
    public struct Sample: Sendable, Equatable, Codable {
        public var slots: Int
        public var running: Int
        public var waiting: Int
        /// Requests this node sent there since the report.
        public var sentSince: Int
        /// Monotonic nanoseconds of the report; 0: never heard.
        public var heard: UInt64
        /// Monotonic nanoseconds of the last failure; 0: none since the last success.
        public var failed: UInt64
        /// 0: not measured.
        public var roundTripSeconds: Double
        /// Of free slots over the last minutes, the mean and the mean square.
        public var meanFree: Double
        public var meanSquare: Double
        /// Failures without a success between them.
        public var failures: Int
        /// Monotonic nanoseconds of the last request that was sent there in spite of failures.
        public var tried: UInt64
        /// Monotonic nanoseconds of the success that ended its failures; 0: none.
        public var recovered: UInt64
        /// Monotonic nanoseconds of its job's end; 0: not known.
        public var walltimeEnds: UInt64
        /// Of one answer; 0: not known.
        public var tokensPerSecond: Double
        /// What its first bytes took of late, beyond what reading the prompts takes.
        public var lateSeconds: Double
        /// Monotonic nanoseconds of when that was measured; 0: never.
        public var lateAt: UInt64
        public var freeVariance: Double { meanSquare - meanFree * meanFree }

        public init(
            slots: Int, running: Int, waiting: Int, sentSince: Int = 0, heard: UInt64 = 0, failed: UInt64 = 0,
            roundTripSeconds: Double = 0, meanFree: Double = 0, meanSquare: Double = 0, failures: Int = 0, tried: UInt64 = 0,
            recovered: UInt64 = 0, walltimeEnds: UInt64 = 0, tokensPerSecond: Double = 0, lateSeconds: Double = 0,
            lateAt: UInt64 = 0
        ) {
            self.slots = slots
            self.running = running
            self.waiting = waiting
            self.sentSince = sentSince
            self.heard = heard
            self.failed = failed
            self.roundTripSeconds = roundTripSeconds
            self.meanFree = meanFree
            self.meanSquare = meanSquare
            self.failures = failures
            self.tried = tried
            self.recovered = recovered
            self.walltimeEnds = walltimeEnds
            self.tokensPerSecond = tokensPerSecond
            self.lateSeconds = lateSeconds
            self.lateAt = lateAt
        }

        /// Slots believed free; below zero by the length of the queue.
        public var free: Int { slots - running - waiting - sentSince }
    }
}
