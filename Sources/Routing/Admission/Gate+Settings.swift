import CLinux
import Synchronization

extension Gate {
    public struct Settings: Sendable {
        /// Whether the number of requests at once is found from how long they take to their first token.
        public enum Feedback: Sendable {
            case off
            /// While neither the configuration nor the server tells it.
            case whereUnknown
            case on
        }

        /// Requests that wait at most, and how long.
        public var queueLimit = 256
        public var queueNanoseconds: UInt64 = 30_000_000_000
        /// Of all tokens, what batch requests get while interactive ones wait; 0 to below 1.
        public var batchShare = 0.125
        public var feedback = Feedback.off
        /// Requests at once where nothing is told and nothing is measured: as many as a small vLLM takes comfortably.
        public var assumedSlots = 32
        /// The most that feedback may let in where nothing is told.
        public var mostSlots: Int {
            get { limit.most }
            set { limit.most = newValue }
        }
        var limit = ConcurrencyLimit.Settings()
        /// False: whoever would wait in vain may do so.
        var refusesLate = true

        public init() {}
    }

    /// Seconds after which one who is refused now may have a slot: what the line takes, from a second to two minutes; 5 where that is
    /// not known.
    public var retryAfterSeconds: Int {
        let now = mesh_monotonic_ns()
        let seconds = state.withLock { $0.rate.seconds(for: $0.queue.count + 1, slots: $0.slots, now: now) }
        guard let seconds else { return 5 }
        return Int(min(max(seconds.rounded(.up), 1), 120))
    }

    /// How it is now.
    public var snapshot: AdmissionState {
        let now = mesh_monotonic_ns()
        return state.withLock { state in
            let isFree = state.hasRoom && state.queue.isEmpty
            let newcomer = AdmissionRequest(entry: 0, user: 0)
            return AdmissionState(
                configuredSlots: state.cap, slots: state.slots, running: state.running,
                interactive: state.queue.count(.interactive), batch: state.queue.count(.batch),
                expectedSeconds: isFree
                    ? 0 : state.rate.seconds(for: state.queue.ahead(of: newcomer) + 1, slots: state.slots, now: now),
                statistics: state.statistics)
        }
    }
}
