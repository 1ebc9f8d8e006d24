public import Gossip
import Synchronization

/// How a site starts one of its models, for whom, when it stops it again, and what of that is under way. A start is run once however many
/// ask for it, and none begins before a stop has ended.
public final class Starter: Sendable {
    public enum Answer: Sendable, Equatable {
        /// It is to be run now, by whoever asked. Seconds until it is expected; nil: nobody has told.
        case begin(seconds: Double?)
        case underWay(seconds: Double?)
        case refused(String)
    }

    /// What is under way; times in monotonic nanoseconds.
    enum Phase {
        case none
        case starting(since: UInt64)
        case stopping(Stop)
    }

    struct Stop {
        var since: UInt64
        /// The program that stops it has ended well.
        var hasEnded = false
        /// Somebody has asked for it meanwhile: it is started once it has stopped.
        var isWanted = false
    }

    struct State {
        var phase = Phase.none
        /// After a failed start, when the next may begin for a request, and when by itself.
        var restsUntil: UInt64 = 0
        var keptRestsUntil: UInt64 = 0
        var failuresInARow = 0
        var failure: String?
        /// nil: nobody has told or measured it.
        var expectedSeconds: Double?
        var day: UInt64 = 0
        var spent = 0.0
        /// When its last request ran, or it began to run; 0: it does not.
        var usedAt: UInt64 = 0
        /// It has just begun to run: until then it is not released without a request.
        var freshUntil: UInt64 = 0
        /// Requests that its gate had let in when it was last looked at.
        var entered = 0
        /// Looks in a row that found it stopped.
        var stoppedLooks = 0
        /// After a stop that failed, when the next may begin.
        var stopRestsUntil: UInt64 = 0
        /// It is stopped because it was released.
        var isReleased = false
        var starts = 0
        var releases = 0
    }

    public let settings: Settings
    let state: Mutex<State>

    /// A start that has brought nothing after so many times the expected time has failed.
    static let patience = 3.0
    /// Nanoseconds after a failed start in which there is no other.
    static let rest: UInt64 = 60_000_000_000

    public init(_ settings: Settings) {
        self.settings = settings
        state = Mutex(State(expectedSeconds: settings.expectedSeconds))
    }

    /// What the catalog says of it.
    public var offer: StartOffer {
        let seconds = state.withLock { $0.expectedSeconds }
        return StartOffer(
            sites: settings.sites, seconds: (seconds ?? StartOffer.usualSeconds).rounded(), isGuess: seconds == nil,
            isKept: settings.isKept)
    }

    /// How often it was started and released since this node began.
    public var counts: (starts: Int, releases: Int) { state.withLock { ($0.starts, $0.releases) } }

    /// Asks for a start.
    ///
    /// - Parameters:
    ///   - site: the other site whose user asks; nil: one of this site's own.
    ///   - now: monotonic nanoseconds.
    ///   - wallSeconds: since 1970, for the day's budget.
    func ask(from site: String?, _ user: UserIdentity?, now: UInt64, wallSeconds: UInt64) -> Answer {
        if let site, let refusal = refusal(site, user) { return .refused(refusal) }
        return state.withLock { state in
            if case .starting(let since) = state.phase { return .underWay(seconds: Self.left(state, since, now)) }
            if case .stopping(let stop) = state.phase, stop.isWanted { return .underWay(seconds: state.expectedSeconds) }
            if now < state.restsUntil { return .refused("its last start failed: \(state.failure ?? "it brought nothing")") }
            if site != nil, let budget = settings.nodeHoursPerDay {
                if state.day != wallSeconds / 86_400 { (state.day, state.spent) = (wallSeconds / 86_400, 0) }
                guard state.spent + settings.nodeHours <= budget else {
                    return .refused("the \(budget) node-hours that it spends for other sites a day are spent")
                }
                state.spent += settings.nodeHours
            }
            if case .stopping(var stop) = state.phase {
                stop.isWanted = true
                state.phase = .stopping(stop)
                return .underWay(seconds: state.expectedSeconds)
            }
            Self.begin(&state, now)
            return .begin(seconds: state.expectedSeconds)
        }
    }

    static func begin(_ state: inout State, _ now: UInt64) {
        state.phase = .starting(since: max(now, 1))
        state.starts += 1
        state.isReleased = false
        state.stoppedLooks = 0
        state.usedAt = 0
    }

    private func refusal(_ site: String, _ user: UserIdentity?) -> String? {
        guard offer.isFor(site) else { return "it is not started for users of \(site)" }
        guard settings.groups.isEmpty || !settings.groups.allSatisfy({ user?.groups.contains($0) != true }) else {
            return "it is started for members of certain groups alone"
        }
        return nil
    }

    private static func left(_ state: borrowing State, _ since: UInt64, _ now: UInt64) -> Double? {
        state.expectedSeconds.map { max($0 - Double(now &- min(since, now)) * 1e-9, 0) }
    }

    /// It could not be begun.
    func failed(_ why: String, now: UInt64) { state.withLock { Self.failed(&$0, why, now) } }

    /// One that is kept running is tried again after a minute, after each failure more after twice as long, up to an hour.
    private static func failed(_ state: inout State, _ why: String, _ now: UInt64) {
        state.phase = .none
        state.failure = why
        state.failuresInARow = min(state.failuresInARow + 1, 7)
        state.restsUntil = now &+ rest
        state.keptRestsUntil = now &+ min(rest << UInt64(state.failuresInARow - 1), 60 * rest)
    }

    /// What a look at the model says in the light of what is under way.
    func seen(_ observation: Observation, now: UInt64) -> Observation {
        state.withLock { state in
            var seen = observation
            switch state.phase {
            case .none:
                // What a command starts is not lost while it is away.
                if settings.command != nil, seen.state == .offline { seen.state = .stopped }
                guard seen.state == .stopped, seen.reason == nil else { return seen }
                if now < state.restsUntil { seen.reason = state.failure } else if state.isReleased { seen.reason = released }
                return seen
            case .stopping(let stop):
                // What is about to stop takes nobody, whatever it still answers.
                seen.state = stop.isWanted ? .starting : .stopped
                seen.etaSeconds = stop.isWanted ? state.expectedSeconds?.rounded() : nil
                seen.reason = released
                return seen
            case .starting(let since):
                let took = Double(now &- min(since, now)) * 1e-9
                if observation.state == .running {
                    state.phase = .none
                    state.failuresInARow = 0
                    // The next is expected to take as long, in the mean of the last few.
                    let took = max(took, 1)
                    state.expectedSeconds = state.expectedSeconds.map { $0 + (took - $0) * 0.3 } ?? took
                    return observation
                }
                let expected = state.expectedSeconds ?? StartOffer.usualSeconds
                guard took < max(expected * Self.patience, 30) else {
                    Self.failed(&state, "it did not answer \(Int(took)) s after its start", now)
                    return observation
                }
                // Until its server or scheduler has a word of its own.
                if [.stopped, .offline, .unknown].contains(seen.state) { seen.state = .starting }
                if seen.etaSeconds == nil { seen.etaSeconds = Self.left(state, since, now)?.rounded() }
                return seen
            }
        }
    }

    private var released: String { "released: no request for \(Int(settings.idleSeconds ?? 0)) s" }
}
