import Glibc
import Transport

/// A simulated server's state. Lives on one worker.
final class InferenceServer {
    let settings: SimulatedServerSettings
    /// Monotonic nanoseconds.
    private let startedAt: UInt64
    /// Seconds since 1970.
    let created = time(nil)
    let slots: SlotLine
    var metrics = ServerMetrics()
    private var numbers: SeededNumbers
    private var answers: UInt64 = 0

    init(settings: SimulatedServerSettings, startedAt: UInt64) {
        self.settings = settings
        self.startedAt = startedAt
        slots = SlotLine(slots: settings.slots)
        numbers = SeededNumbers(seed: settings.seed)
    }

    /// What the model is doing now.
    func state(now: UInt64) -> SimulatedServerSettings.FirstState {
        let startup = UInt64(settings.startupSeconds * 1e9)
        switch settings.firstState {
        case .running: return now &- startedAt >= startup ? .running : .starting
        case .starting, .queued: return startup > 0 && now &- startedAt >= startup ? .running : settings.firstState
        default: return settings.firstState
        }
    }

    enum Failure { case none, atOnce, midStream }

    /// Decides what becomes of the next request. Two numbers are drawn for each, whatever it is, so that the seed alone decides.
    func drawFailure(streams: Bool) -> Failure {
        let fails = numbers.unit() < settings.failureRate
        let late = numbers.unit() < 0.5
        return !fails ? .none : late && streams ? .midStream : .atOnce
    }

    /// An id that no other answer of this server has.
    func nextIdentifier(_ prefix: StaticString) -> String {
        answers += 1
        return "\(prefix)-simulated-" + String(Hash.mix(settings.seed &+ UInt64(created) << 20 &+ answers), radix: 16)
    }
}
