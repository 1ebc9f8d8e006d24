import Gossip
import Testing

@testable import Routing

/// What a site does by itself for a model: pins and releases.
@Suite struct StarterDutyTests {
    private func starter(_ edit: (inout Starter.Settings) -> Void) -> Starter {
        var settings = Starter.Settings()
        settings.command = ["start"]
        edit(&settings)
        return Starter(settings)
    }

    private static func releases(_ settings: inout Starter.Settings) {
        settings.stop = ["stop"]
        settings.idleSeconds = 100
    }

    private func at(_ seconds: Double) -> UInt64 { UInt64(seconds * 1e9) }

    /// A look at a moment, what it says of the model taken as its node takes it.
    private func look(
        _ starter: Starter, _ raw: ModelState, at seconds: Double, busy: Bool = false, entered: Int = 0,
        mayStart: Bool = true
    ) -> Starter.Duty {
        let seen = starter.seen(Observation(state: raw), now: at(seconds))
        return starter.duty(
            after: Starter.Look(raw: raw, state: seen.state, isBusy: busy, entered: entered, mayStart: mayStart),
            now: at(seconds))
    }

    @Test func whatIsKeptIsStartedWhereItIsFoundStopped() {
        let starter = starter { $0.isKept = true }
        #expect(starter.offer.isKept)
        // One look that a busy server misses is no reason.
        #expect(look(starter, .offline, at: 1) == .none && look(starter, .offline, at: 2) == .none)
        #expect(look(starter, .running, at: 3) == .none)
        #expect(look(starter, .offline, at: 4) == .none && look(starter, .offline, at: 5) == .none)
        #expect(look(starter, .offline, at: 6) == .start)
        #expect(look(starter, .offline, at: 7) == .none)
        // A request that comes meanwhile is one more who waits for it.
        #expect(starter.ask(from: nil, nil, now: at(8), wallSeconds: 0) == .underWay(seconds: nil))
        #expect(look(starter, .running, at: 30) == .none)
        #expect(starter.counts.starts == 1)
        // It ended, as jobs do.
        #expect(look(starter, .stopped, at: 90_000) == .none && look(starter, .stopped, at: 90_002) == .none)
        #expect(look(starter, .stopped, at: 90_004) == .start)
    }

    @Test func whatIsNotKeptIsNot() {
        let starter = starter { _ in }
        for second in 1...20 { #expect(look(starter, .offline, at: Double(second)) == .none) }
    }

    @Test(arguments: [ModelState.starting, .queued, .failed, .maintenance, .unknown])
    func aPinStartsWhatIsStoppedAlone(state: ModelState) {
        let starter = starter { $0.isKept = true }
        for second in 1...20 { #expect(look(starter, state, at: Double(second)) == .none) }
    }

    @Test func aPinWaitsWhileTheNodeIsDrained() {
        let starter = starter { $0.isKept = true }
        for second in 1...10 { #expect(look(starter, .stopped, at: Double(second), mayStart: false) == .none) }
        #expect(look(starter, .stopped, at: 11) == .start)
    }

    /// A job that fails is not submitted every few seconds.
    @Test func aPinRestsLongerAfterEachFailure() {
        let starter = starter { $0.isKept = true }
        var now = 10.0
        var starts: [Double] = []
        while starts.count < 10 {
            if look(starter, .stopped, at: now) == .start {
                starts.append(now)
                starter.failed("no node", now: at(now))
            }
            now += 1
        }
        let rests = zip(starts.dropFirst(), starts).map { $0 - $1 }
        #expect(rests == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
        // A start that succeeds begins the count anew.
        now += 4000
        let looks = (0..<3).map { look(starter, .stopped, at: now + Double($0)) }
        #expect(looks == [.none, .none, .start])
        _ = look(starter, .running, at: now + 5)
        for second in 6...8 { _ = look(starter, .stopped, at: now + Double(second)) }
        starter.failed("no node", now: at(now + 9))
        for second in 10...68 { #expect(look(starter, .stopped, at: now + Double(second)) == .none) }
        #expect(look(starter, .stopped, at: now + 69) == .start)
    }

    @Test func whatNobodyUsesIsReleased() {
        let starter = starter(Self.releases)
        #expect(look(starter, .running, at: 10) == .none)
        #expect(look(starter, .running, at: 50, entered: 1) == .none)
        #expect(look(starter, .running, at: 149, entered: 1) == .none)
        #expect(look(starter, .running, at: 150, entered: 1) == .release)
    }

    @Test func whatRunsOrWaitsIsUse() {
        let starter = starter(Self.releases)
        for second in 1...500 { #expect(look(starter, .running, at: Double(second), busy: true) == .none) }
        #expect(look(starter, .running, at: 599) == .none)
        #expect(look(starter, .running, at: 600) == .release)
    }

    @Test func whatIsKeptIsNeverReleased() {
        let starter = starter {
            Self.releases(&$0)
            $0.isKept = true
        }
        for second in 1...1000 { #expect(look(starter, .running, at: Double(second)) == .none) }
    }

    @Test func whatNobodyCanStopRunsOn() {
        let starter = starter { _ in }
        for second in 1...1000 { #expect(look(starter, .running, at: Double(second)) == .none) }
    }

    /// However short `idleSeconds` is: those who waited for it are on their way.
    @Test func whatHasJustBegunIsGivenTimeForItsFirstRequest() {
        let starter = starter {
            Self.releases(&$0)
            $0.idleSeconds = 1
        }
        #expect(look(starter, .running, at: 10) == .none && look(starter, .running, at: 39) == .none)
        #expect(look(starter, .running, at: 39.5, entered: 1) == .none)
        #expect(look(starter, .running, at: 41, entered: 1) == .release)
    }

    @Test func whatIsReleasedIsStoppedAtOnceAndStaysSo() {
        let starter = starter(Self.releases)
        _ = look(starter, .running, at: 1)
        #expect(look(starter, .running, at: 102) == .release)
        starter.beginsStop(now: at(102))
        // Its server answers still.
        let seen = starter.seen(Observation(state: .running), now: at(103))
        #expect(seen.state == .stopped && seen.reason == "released: no request for 100 s")
        #expect(look(starter, .running, at: 104) == .none)
        // The program has not ended yet.
        #expect(look(starter, .offline, at: 105) == .none)
        starter.stopEnded()
        #expect(look(starter, .offline, at: 106) == .released(startsAgain: false))
        for second in 107...400 { #expect(look(starter, .offline, at: Double(second)) == .none) }
        #expect(starter.seen(Observation(state: .offline), now: at(401)).reason == "released: no request for 100 s")
        #expect(starter.counts.releases == 1 && starter.counts.starts == 0)
        #expect(starter.ask(from: nil, nil, now: at(402), wallSeconds: 0) == .begin(seconds: nil))
        #expect(starter.seen(Observation(state: .offline), now: at(403)).reason == nil)
    }

    /// A start must not meet the end of what it replaces.
    @Test func whoAsksMeanwhileHasItStartedOnceItHasStopped() {
        let starter = starter {
            Self.releases(&$0)
            $0.sites = ["other"]
            $0.nodeHoursPerDay = 1
        }
        starter.beginsStop(now: at(10))
        #expect(
            starter.ask(from: "third", nil, now: at(11), wallSeconds: 0) == .refused("it is not started for users of third"))
        #expect(starter.ask(from: "other", nil, now: at(11), wallSeconds: 0) == .underWay(seconds: nil))
        #expect(starter.ask(from: "other", nil, now: at(12), wallSeconds: 0) == .underWay(seconds: nil), "it is spent once")
        #expect(starter.seen(Observation(state: .running), now: at(12)).state == .starting)
        #expect(look(starter, .running, at: 13) == .none)
        starter.stopEnded()
        #expect(look(starter, .offline, at: 14) == .released(startsAgain: true))
        #expect(starter.seen(Observation(state: .offline), now: at(15)).state == .starting)
        #expect(starter.ask(from: nil, nil, now: at(16), wallSeconds: 0) == .underWay(seconds: nil))
        #expect(starter.counts.starts == 1)
    }

    @Test func whatCannotBeStoppedStaysInUseAndIsTriedLater() {
        let starter = starter {
            Self.releases(&$0)
            $0.idleSeconds = 10
        }
        _ = look(starter, .running, at: 1, entered: 1)
        _ = look(starter, .running, at: 2, entered: 2)
        #expect(look(starter, .running, at: 20, entered: 2) == .release)
        starter.beginsStop(now: at(20))
        starter.stopFailed(now: at(21))
        #expect(starter.seen(Observation(state: .running), now: at(22)).state == .running)
        #expect(look(starter, .running, at: 80, entered: 2) == .none)
        #expect(look(starter, .running, at: 82, entered: 2) == .release)
        // A scheduler has its time to end a job, but not for ever.
        starter.beginsStop(now: at(82))
        starter.stopEnded()
        #expect(look(starter, .running, at: 380, entered: 2) == .none)
        #expect(look(starter, .running, at: 383, entered: 2) == .runsOn)
        #expect(look(starter, .running, at: 384, entered: 2) == .none)
    }
}
