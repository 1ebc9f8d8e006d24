import Gossip
import Testing

@testable import Routing

@Suite struct CircuitTests {
    private typealias Case = ChoiceCase
    private let choice = Choice()

    private func rests(_ site: Candidate, at seconds: Double) -> Bool {
        choice.isResting(site.load.sample(), now: Case.at(seconds))
    }

    @Test func eachFailureMoreDoublesTheRestUpToItsLimit() {
        let site = Case.site("a")
        var now = 1000.0
        for rest in [2.0, 4, 8, 16, 32, 64, 64, 64] {
            site.load.failed(now: Case.at(now))
            #expect(rests(site, at: now) && rests(site, at: now + rest - 0.001))
            #expect(!rests(site, at: now + rest))
            now += rest
        }
        site.load.succeeded(now: Case.at(now))
        #expect(!rests(site, at: now))
        site.load.failed(now: Case.at(now))
        #expect(!rests(site, at: now + 2), "a success makes it the first failure again")
    }

    /// A site that is back a moment later would be left alone for a minute, because it was well used when it died.
    @Test func whatOneDeathTakesIsOneFailure() {
        let site = Case.site("a")
        for _ in 0..<20 { site.load.failed(now: Case.at(1000), began: Case.at(990)) }
        // Those in line there fail one after the other.
        for second in 0..<10 { site.load.failed(now: Case.at(1000.1 + Double(second)), began: Case.at(999.9)) }
        #expect(rests(site, at: 1001.9) && !rests(site, at: 1002))
        site.load.failed(now: Case.at(1002.1), began: Case.at(1002))
        #expect(rests(site, at: 1006) && !rests(site, at: 1006.1), "who asked since then has found something out")
    }

    @Test func afterItsRestOneRequestFindsOut() {
        let site = Case.site("a")
        for second in [1000.0, 1002] { site.load.failed(now: Case.at(second)) }
        #expect(!rests(site, at: 1006))
        site.load.began(now: Case.at(1006))
        #expect(rests(site, at: 1006.5), "another would fail as well")
        #expect(!rests(site, at: 1008), "but a lost one does not shut it out for ever")
        site.load.succeeded(now: Case.at(1006.7))
        #expect(!rests(site, at: 1006.8))
    }

    @Test func whatHasComeBackIsGivenMoreByAndBy() {
        let site = Case.site("a")
        func chance(at seconds: Double) -> Double { choice.chance(site.load.sample(), now: Case.at(seconds)) }
        let whole = chance(at: 1000)
        site.load.failed(now: Case.at(1000))
        site.load.succeeded(now: Case.at(1001))
        #expect(chance(at: 1001) > whole * 0.99, "one failure is no outage")
        for second in [1002.0, 1004] { site.load.failed(now: Case.at(second)) }
        site.load.succeeded(now: Case.at(1010))
        site.load.update(slots: 10, running: 0, waiting: 0, now: Case.at(1010))
        #expect(chance(at: 1010) < 0.11)
        let half = chance(at: 1025)
        #expect(half > 0.4 && half < 0.55)
        site.load.update(slots: 10, running: 0, waiting: 0, now: Case.at(1040))
        #expect(chance(at: 1040) > whole * 0.99)
    }

    /// It tells of free slots and refuses all the same: found out, and then left alone for longer and longer.
    @Test func oneThatAlwaysRefusesAndSaysItIsIdleIsFoundOut() {
        let liar = Case.site("liar", roundTrip: 0.001)
        let honest = Case.site("honest", running: 5, roundTrip: 0.08)
        var asked = 0
        for step in 0..<6000 {
            let now = 1000 + Double(step) * 0.1
            for site in [liar, honest] {
                site.load.update(slots: 10, running: site.node.site == "liar" ? 0 : 5, waiting: 0, now: Case.at(now))
            }
            let picked = Case.pick([liar, honest], RequestNeeds(model: "m"), at: now, seed: UInt64(step))
            guard picked?.index == 0 else { continue }
            asked += 1
            liar.load.began(now: Case.at(now))
            liar.load.update(slots: 10, running: 0, waiting: 0, now: Case.at(now))
            liar.load.refused(now: Case.at(now))
            liar.load.ended(reported: false)
        }
        #expect(asked < 25, "of 6000 requests in ten minutes")
    }

    @Test func honestRefusalsAreNoFailures() {
        let site = Case.site("a")
        for second in 0..<100 {
            site.load.update(slots: 10, running: 10, waiting: 0, now: Case.at(1000 + Double(second)))
            site.load.refused(now: Case.at(1000 + Double(second)))
        }
        #expect(!rests(site, at: 1099))
        // A slot that came free between the refusal and its report, now and then.
        for second in 0..<20 {
            site.load.update(slots: 10, running: 9, waiting: 0, now: Case.at(1100 + Double(second)))
            site.load.refused(now: Case.at(1100 + Double(second)))
            site.load.update(slots: 10, running: 10, waiting: 0, now: Case.at(1100.5 + Double(second)))
            site.load.refused(now: Case.at(1100.5 + Double(second)))
        }
        #expect(!rests(site, at: 1120))
    }
}
