/// How many requests a backend serves well at once, found from how long it takes to the first token: more are let in step by step as
/// long as that is about what it is at best, and fewer at once when it is not (additive increase, multiplicative decrease).
///
/// Samples are taken together by windows, of each the median counts: single prompts that are long, or cached, say little. The best is the
/// least median of the last minutes; now and then the limit is lowered for a moment to see what it is with fewer.
struct ConcurrencyLimit: Sendable {
    struct Settings: Sendable, Equatable {
        /// Few, so that the first samples show what it is at best.
        var first = 4
        /// Never above.
        var most = 256
        /// A median is bad when it is as many times the best, and worse by as many seconds.
        var tolerance = 3.0
        var slackSeconds = 0.1
        /// What is left of the limit then.
        var decrease = 0.8
        /// Tokens of a prompt that take as long to read as all else before the first token, about.
        var promptTokens = 2048.0
        var windowNanoseconds: UInt64 = 500_000_000
        /// How long the best is remembered, and after what time without a look it is looked for.
        var memoryNanoseconds: UInt64 = 600_000_000_000
        var lookNanoseconds: UInt64 = 300_000_000_000
        init() {}
    }

    private static let memorySlots: UInt64 = 20
    private static let mostSamples = 32

    let settings: Settings
    /// Never above; at least 1.
    private var most: Int
    private var value: Double
    private var samples: [Double] = []
    private var windowBegan: UInt64 = 0
    private var wasUsed = false
    /// It grows by doubling until it has once been too high.
    private var hasDecreased = false
    /// What began before was measured under another limit.
    private var changed: UInt64 = 0
    private var best = [Double](repeating: .infinity, count: Int(memorySlots))
    private var bestSlot: UInt64 = 0
    private var looked: UInt64 = 0
    /// What the limit was before it was lowered for a look.
    private var before: Double?

    init(settings: Settings = Settings()) {
        self.settings = settings
        most = max(settings.most, 1)
        value = Double(min(max(settings.first, 1), most))
    }

    var limit: Int { max(1, Int(value)) }

    /// The backend tells, or its operator, how many it has room for.
    mutating func bound(by most: Int) {
        self.most = max(most, 1)
        value = min(value, Double(self.most))
        before = before.map { min($0, Double(self.most)) }
    }

    /// A request had its first token.
    ///
    /// - Parameters:
    ///   - began: monotonic nanoseconds when it was sent to the backend.
    ///   - running: requests there now, this one among them.
    mutating func sample(began: UInt64, now: UInt64, promptTokens: Int, running: Int) {
        guard now > began, began >= changed else { return }
        if samples.isEmpty {
            windowBegan = now
            wasUsed = false
        }
        if looked == 0 { looked = now }
        if running * 4 >= limit * 3 { wasUsed = true }
        let seconds = Double(now - began) * 1e-9
        if samples.count < Self.mostSamples {
            samples.append(seconds / (1 + Double(max(promptTokens, 0)) / settings.promptTokens))
        }
        guard samples.count >= min(max(limit / 2, 4), 16), Self.passed(windowBegan, now) >= settings.windowNanoseconds else {
            return
        }
        samples.sort()
        let median = samples[samples.count / 2]
        samples.removeAll(keepingCapacity: true)
        close(median, now)
    }

    private mutating func close(_ median: Double, _ now: UInt64) {
        remember(median, now)
        if let before {
            // The look is over.
            self.before = nil
            return set(before, now)
        }
        let least = best.min() ?? median
        if median > least * settings.tolerance, median > least + settings.slackSeconds {
            hasDecreased = true
            return set(value * settings.decrease, now)
        }
        guard wasUsed else {
            // With room to spare this was a look.
            looked = now
            return
        }
        if Self.passed(looked, now) >= settings.lookNanoseconds, value >= 2 {
            looked = now
            before = value
            return set(value / 2, now)
        }
        value = min(hasDecreased ? value + 1 : value * 2, Double(most))
    }

    private static func passed(_ since: UInt64, _ now: UInt64) -> UInt64 { now > since ? now - since : 0 }

    private mutating func set(_ wanted: Double, _ now: UInt64) {
        value = min(max(wanted, 1), Double(most))
        changed = now
    }

    private mutating func remember(_ median: Double, _ now: UInt64) {
        let slot = now / (settings.memoryNanoseconds / Self.memorySlots)
        if slot > bestSlot {
            let forgotten = min(slot - bestSlot, Self.memorySlots)
            for back in 0..<forgotten { best[Int((slot - back) % Self.memorySlots)] = .infinity }
            bestSlot = slot
        }
        best[Int(slot % Self.memorySlots)] = min(best[Int(slot % Self.memorySlots)], median)
    }
}
