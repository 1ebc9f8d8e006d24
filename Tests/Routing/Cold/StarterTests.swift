import Gossip
import Testing

@testable import Routing

@Suite struct StarterTests {
    private func starter(_ edit: (inout Starter.Settings) -> Void = { _ in }) -> Starter {
        var settings = Starter.Settings()
        settings.sites = ["other"]
        settings.expectedSeconds = 100
        edit(&settings)
        return Starter(settings)
    }

    private func at(_ seconds: Double) -> UInt64 { UInt64(seconds * 1e9) }

    private func ask(
        _ starter: Starter, from site: String? = nil, _ user: UserIdentity? = nil, at seconds: Double = 1, day: UInt64 = 1
    ) -> Starter.Answer {
        starter.ask(from: site, user, now: at(seconds), wallSeconds: day * 86_400)
    }

    @Test func manyWhoAskStartItOnce() {
        let starter = starter()
        #expect(ask(starter) == .begin(seconds: 100))
        #expect(ask(starter, from: "other", at: 31) == .underWay(seconds: 70))
        #expect(ask(starter, at: 150) == .underWay(seconds: 0))
    }

    @Test func itsOwnUsersAlwaysOthersByConsent() {
        let group = "5ad2c5a6-0000-4000-8000-000000000001"
        let starter = starter { $0.groups = [group] }
        func user(_ groups: [String]) -> UserIdentity { UserIdentity(subject: "s", username: "u@x.org", groups: groups) }
        #expect(ask(starter, from: "third", user([group])) == .refused("it is not started for users of third"))
        #expect(ask(starter, from: "other", user([])) == .refused("it is started for members of certain groups alone"))
        #expect(ask(starter, from: "other") == .refused("it is started for members of certain groups alone"))
        #expect(ask(starter, from: "other", user([group])) == .begin(seconds: 100))
        let closed = self.starter { $0.sites = [] }
        #expect(ask(closed, from: "other") != .begin(seconds: 100))
        #expect(ask(closed) == .begin(seconds: 100))
    }

    @Test func aDaysNodeHoursForOthersAreAHardLimit() {
        let starter = starter {
            $0.nodeHoursPerDay = 5
            $0.nodeHours = 2
        }
        func run(at seconds: Double, day: UInt64, from site: String? = "other") -> Bool {
            let answer = ask(starter, from: site, at: seconds, day: day)
            _ = starter.seen(Observation(state: .running), now: at(seconds + 1))
            if case .begin = answer { return true }
            return false
        }
        #expect(run(at: 10, day: 1) && run(at: 20, day: 1) && !run(at: 30, day: 1))
        #expect(run(at: 40, day: 1, from: nil), "what its own users spend is another's to limit")
        #expect(run(at: 50, day: 2))
    }

    @Test func whatIsUnderWayIsStartingUntilItRuns() {
        let starter = starter()
        let stopped = Observation(state: .stopped)
        #expect(starter.seen(stopped, now: at(1)) == stopped)
        _ = ask(starter, at: 10)
        var seen = starter.seen(stopped, now: at(40))
        #expect(seen.state == .starting && seen.etaSeconds == 70)
        // The scheduler's own word stands.
        seen = starter.seen(Observation(state: .queued, etaSeconds: 500), now: at(41))
        #expect(seen.state == .queued && seen.etaSeconds == 500)
        #expect(starter.seen(Observation(state: .running), now: at(60)).state == .running)
        #expect(starter.seen(stopped, now: at(61)).state == .stopped)
        // It took 50 s: the next is expected to take less than 100.
        #expect(starter.offer.seconds == 85)
    }

    /// What nobody has configured or measured is not told; what was measured once is.
    @Test func whatNobodyKnowsIsNotTold() {
        let starter = starter { $0.expectedSeconds = nil }
        #expect(starter.offer == StartOffer(sites: ["other"], seconds: 600, isGuess: true))
        #expect(ask(starter, at: 10) == .begin(seconds: nil) && ask(starter, at: 20) == .underWay(seconds: nil))
        let seen = starter.seen(Observation(state: .stopped), now: at(30))
        #expect(seen.state == .starting && seen.etaSeconds == nil)
        #expect(starter.seen(Observation(state: .stopped), now: at(1800)).state == .starting)
        _ = starter.seen(Observation(state: .running), now: at(1805))
        #expect(starter.offer == StartOffer(sites: ["other"], seconds: 1795))
    }

    @Test func whatACommandStartsIsStoppedWhileItsServerIsAway() {
        #expect(starter().seen(Observation(state: .offline), now: at(1)).state == .offline)
        let started = starter { $0.command = ["start"] }
        #expect(started.seen(Observation(state: .offline), now: at(1)).state == .stopped)
    }

    @Test func aStartThatBringsNothingFailsAndRests() {
        let starter = starter()
        _ = ask(starter, at: 10)
        #expect(starter.seen(Observation(state: .stopped), now: at(309)).state == .starting)
        #expect(starter.seen(Observation(state: .stopped), now: at(311)).state == .stopped)
        #expect(ask(starter, at: 312) == .refused("its last start failed: it did not answer 301 s after its start"))
        #expect(starter.seen(Observation(state: .stopped), now: at(313)).reason == "it did not answer 301 s after its start")
        #expect(ask(starter, at: 372) == .begin(seconds: 100))
        starter.failed("no such program", now: at(373))
        #expect(ask(starter, at: 374) == .refused("its last start failed: no such program"))
        #expect(ask(starter, at: 434) == .begin(seconds: 100))
    }
}
