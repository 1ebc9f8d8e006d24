public import Gossip
import Synchronization

/// How a site starts one of its models, for whom, and what of it is under way. A start is run once however many ask for it.
public final class Starter: Sendable {
    public struct Settings: Sendable, Equatable {
        /// A program that starts it, without a shell; nil: a first request does, as behind Globus Compute.
        public var command: [String]?
        /// Other sites whose users it is started for; `*`: all.
        public var sites: [String] = []
        /// UUIDs of groups, of which such a user must be in one; none: any user.
        public var groups: [String] = []
        /// Node-hours a day that starts for other sites may spend; nil: as many as they like.
        public var nodeHoursPerDay: Double?
        /// What one start is taken to spend.
        public var nodeHours = 1.0
        /// From a start to the first answer, until one was measured.
        public var expectedSeconds = 600.0
        public init() {}
    }

    public enum Answer: Sendable, Equatable {
        /// It is to be run now, by whoever asked.
        case begin(seconds: Double)
        case underWay(seconds: Double)
        case refused(String)
    }

    private struct State {
        /// Monotonic nanoseconds; 0: none is under way.
        var began: UInt64 = 0
        /// After a failed one, when the next may begin.
        var restsUntil: UInt64 = 0
        var failure: String?
        var expectedSeconds: Double
        var day: UInt64 = 0
        var spent = 0.0
    }

    public let settings: Settings
    private let state: Mutex<State>

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
        StartOffer(sites: settings.sites, seconds: state.withLock { $0.expectedSeconds.rounded() })
    }

    /// Asks for a start.
    ///
    /// - Parameters:
    ///   - site: the other site whose user asks; nil: one of this site's own.
    ///   - now: monotonic nanoseconds.
    ///   - wallSeconds: since 1970, for the day's budget.
    func ask(from site: String?, _ user: UserIdentity?, now: UInt64, wallSeconds: UInt64) -> Answer {
        if let site, let refusal = refusal(site, user) { return .refused(refusal) }
        return state.withLock { state in
            if state.began != 0 { return .underWay(seconds: Self.left(state, now)) }
            if now < state.restsUntil { return .refused("its last start failed: \(state.failure ?? "it brought nothing")") }
            if site != nil, let budget = settings.nodeHoursPerDay {
                if state.day != wallSeconds / 86_400 { (state.day, state.spent) = (wallSeconds / 86_400, 0) }
                guard state.spent + settings.nodeHours <= budget else {
                    return .refused("the \(budget) node-hours that it spends for other sites a day are spent")
                }
                state.spent += settings.nodeHours
            }
            state.began = max(now, 1)
            return .begin(seconds: state.expectedSeconds)
        }
    }

    private func refusal(_ site: String, _ user: UserIdentity?) -> String? {
        guard offer.isFor(site) else { return "it is not started for users of \(site)" }
        guard settings.groups.isEmpty || !settings.groups.allSatisfy({ user?.groups.contains($0) != true }) else {
            return "it is started for members of certain groups alone"
        }
        return nil
    }

    private static func left(_ state: State, _ now: UInt64) -> Double {
        max(state.expectedSeconds - Double(now &- min(state.began, now)) * 1e-9, 0)
    }

    /// It could not be begun.
    func failed(_ why: String, now: UInt64) {
        state.withLock {
            $0.began = 0
            $0.restsUntil = now &+ Self.rest
            $0.failure = why
        }
    }

    /// What a look at the model says in the light of a start that is under way.
    func seen(_ observation: Observation, now: UInt64) -> Observation {
        state.withLock { state in
            guard state.began != 0 else {
                var seen = observation
                // What a command starts is not lost while it is away.
                if settings.command != nil, seen.state == .offline { seen.state = .stopped }
                if now < state.restsUntil, seen.state == .stopped, seen.reason == nil { seen.reason = state.failure }
                return seen
            }
            let took = Double(now &- min(state.began, now)) * 1e-9
            if observation.state == .running {
                state.began = 0
                // The next is expected to take as long, in the mean of the last few.
                state.expectedSeconds += (max(took, 1) - state.expectedSeconds) * 0.3
                return observation
            }
            guard took < max(state.expectedSeconds * Self.patience, 30) else {
                state.began = 0
                state.restsUntil = now &+ Self.rest
                state.failure = "it did not answer \(Int(took)) s after its start"
                return observation
            }
            var seen = observation
            // Until its server or scheduler has a word of its own.
            if [.stopped, .offline, .unknown].contains(seen.state) { seen.state = .starting }
            if seen.etaSeconds == nil { seen.etaSeconds = Self.left(state, now).rounded() }
            return seen
        }
    }
}
