import Gossip
import Synchronization

/// What a site does by itself for a model: keeps it running, or releases it when nobody uses it.
///
/// **It never flaps.** What was released starts again for a request or a pin alone, and what is kept is never released. A release begins
/// only after a whole `idleSeconds` without a request since it was last used or began to run, and none while one runs or waits.
extension Starter {
    /// What one look at the model and its gate shows.
    struct Look {
        /// What its server or scheduler says, and what that is in the light of what is under way.
        var raw: ModelState
        var state: ModelState
        /// Requests run or wait, here or, as far as it tells, at its server.
        var isBusy: Bool
        /// Requests that its gate has let in since this node began.
        var entered: Int
        /// Nothing stands against a start just now: the node is not drained, the model not blocked.
        var mayStart: Bool
    }

    enum Duty: Equatable {
        case none
        /// It is to be kept running, and is not.
        case start
        /// Nobody has used it for so long.
        case release
        /// It has stopped. `startsAgain`: for somebody who has asked meanwhile.
        case released(startsAgain: Bool)
        /// It was stopped, and runs on.
        case runsOn
    }

    /// Looks in a row that must find a model stopped before it is started by itself: one look that a busy server misses is no reason.
    static let stoppedLooks = 3
    /// Nanoseconds within which a model has to be gone after it was stopped: schedulers give jobs time to end.
    static let stopPatience: UInt64 = 300_000_000_000
    /// Nanoseconds that a model which has just begun to run is given for its first request, however short `idleSeconds` is.
    static let freshness: UInt64 = 30_000_000_000
    /// Nanoseconds after a failed stop in which there is no other.
    static let stopRest: UInt64 = 60_000_000_000

    /// What is to be done after a look.
    ///
    /// - Parameter now: monotonic nanoseconds.
    func duty(after look: Look, now: UInt64) -> Duty {
        state.withLock { state in
            switch state.phase {
            case .starting: return .none
            case .stopping(let stop):
                if stop.hasEnded, look.raw != .running {
                    state.releases += 1
                    state.phase = .none
                    state.isReleased = true
                    if stop.isWanted { Self.begin(&state, now) }
                    return .released(startsAgain: stop.isWanted)
                }
                guard now &- min(stop.since, now) > Self.stopPatience else { return .none }
                Self.stopFailed(&state, now)
                return .runsOn
            case .none: break
            }
            guard look.state == .running else {
                state.usedAt = 0
                state.stoppedLooks = look.state == .stopped ? min(state.stoppedLooks + 1, Self.stoppedLooks) : 0
                guard settings.isKept, look.mayStart, state.stoppedLooks >= Self.stoppedLooks, now >= state.keptRestsUntil
                else { return .none }
                Self.begin(&state, now)
                return .start
            }
            state.stoppedLooks = 0
            let isNew = state.usedAt == 0
            // Those who waited for it are on their way.
            if isNew {
                state.freshUntil = now &+ Self.freshness
            } else if look.entered != state.entered {
                state.freshUntil = 0
            }
            if isNew || look.isBusy || look.entered != state.entered {
                state.usedAt = max(now, 1)
                state.entered = look.entered
            }
            guard let idle = settings.idleSeconds, settings.stop != nil, !settings.isKept,
                now >= max(state.stopRestsUntil, state.freshUntil),
                Double(now &- min(state.usedAt, now)) * 1e-9 >= idle
            else { return .none }
            return .release
        }
    }

    /// Its gate lets nobody in any more: it is being stopped from now on.
    func beginsStop(now: UInt64) { state.withLock { $0.phase = .stopping(Stop(since: now)) } }

    /// Somebody was quicker: it is in use.
    func used(now: UInt64) { state.withLock { $0.usedAt = max(now, 1) } }

    /// The program that stops it has ended well.
    func stopEnded() {
        state.withLock {
            guard case .stopping(var stop) = $0.phase else { return }
            stop.hasEnded = true
            $0.phase = .stopping(stop)
        }
    }

    /// The program that stops it failed: it is as it was.
    func stopFailed(now: UInt64) { state.withLock { Self.stopFailed(&$0, now) } }

    private static func stopFailed(_ state: inout State, _ now: UInt64) {
        state.phase = .none
        state.usedAt = max(now, 1)
        state.stopRestsUntil = now &+ stopRest
    }
}
