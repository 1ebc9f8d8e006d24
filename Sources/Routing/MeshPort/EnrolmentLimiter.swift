import Synchronization

/// How often strangers may ask: each address by itself, and all together. A token bucket each.
final class EnrolmentLimiter: Sendable {
    struct Settings: Sendable {
        /// Requests at once, and a second after that, of one address. A join takes two.
        var burst = 100.0
        var perSecond = 2.0
        /// Of all addresses together.
        var burstOfAll = 500.0
        var perSecondOfAll = 20.0
        /// Addresses that are remembered.
        var addresses = 4096
    }

    private struct Bucket {
        var level: Double
        var at: UInt64

        /// Seconds until there is room; 0: a token was taken.
        mutating func take(burst: Double, perSecond: Double, now: UInt64) -> Double {
            // Each loop has its own idea of now, and may be a little behind the one that asked last.
            level = min(burst, level + Double(now - min(at, now)) / 1e9 * perSecond)
            at = max(at, now)
            guard level < 1 else {
                level -= 1
                return 0
            }
            return (1 - level) / perSecond
        }
    }

    private struct State {
        var all: Bucket?
        var byAddress: [String: Bucket] = [:]
    }

    private let settings: Settings
    private let state = Mutex(State())

    init(_ settings: Settings = Settings()) { self.settings = settings }

    /// Addresses that are remembered just now.
    var addressesHeld: Int { state.withLock { $0.byAddress.count } }

    /// - Parameters:
    ///   - address: who asks.
    ///   - now: monotonic nanoseconds.
    /// - Returns: nil if it may; otherwise seconds after which to ask again.
    func refuses(_ address: String, now: UInt64) -> Int? {
        state.withLock { state in
            var own = state.byAddress[address] ?? Bucket(level: settings.burst, at: now)
            var wait = own.take(burst: settings.burst, perSecond: settings.perSecond, now: now)
            // Whoever asks too often takes nothing from the others.
            if wait == 0 {
                var all = state.all ?? Bucket(level: settings.burstOfAll, at: now)
                wait = all.take(burst: settings.burstOfAll, perSecond: settings.perSecondOfAll, now: now)
                state.all = all
            }
            if state.byAddress.count >= settings.addresses, state.byAddress[address] == nil { state.byAddress.removeAll() }
            state.byAddress[address] = own
            return wait == 0 ? nil : max(1, Int(wait.rounded(.up)))
        }
    }
}
