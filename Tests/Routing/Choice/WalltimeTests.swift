import Testing

@testable import Routing

@Suite struct WalltimeTests {
    private typealias Case = ChoiceCase

    private func site(_ name: String, endsIn seconds: Double?, tokensPerSecond: Double? = 50, roundTrip: Double = 0.05)
        -> Candidate
    {
        let site = Case.site(name, roundTrip: roundTrip)
        site.load.learn(walltimeEnds: seconds.map { Case.at(1001 + $0) }, tokensPerSecond: tokensPerSecond)
        return site
    }

    private let needs = ChoiceCase.needs {
        $0.promptTokens = 8000
        $0.answerTokens = 500
    }

    @Test func aRequestGoesWhereItsJobLastsLongEnough() {
        // One second to read, ten to write, five to spare.
        let sites = [site("near", endsIn: 15.9, roundTrip: 0.001), site("far", endsIn: 16.1)]
        #expect(Case.pick(sites, needs)?.index == 1)
        let short = Case.needs { $0.answerTokens = 100 }
        #expect(Case.pick(sites, short)?.index == 0)
    }

    @Test func aJobThatMayEndTooSoonIsBetterThanNone() {
        #expect(Case.pick([site("a", endsIn: 3)], needs)?.index == 0)
        let failed = Case.site("b")
        failed.load.failed(now: Case.at(1000.5))
        #expect(Case.pick([failed, site("a", endsIn: 3)], needs)?.index == 1)
    }

    @Test func itIsSaidWhy() {
        let exclusion = Choice().exclusion(of: site("a", endsIn: 10), for: needs, now: Case.at(1001))
        #expect(exclusion?.description == "its job ends in 10 s, the request would take about 11 s")
        #expect(Choice().exclusion(of: site("a", endsIn: nil), for: needs, now: Case.at(1001)) == nil)
        // Past its end, and a speed that nobody has told of.
        #expect(Choice().exclusion(of: site("a", endsIn: -5), for: needs, now: Case.at(1001)) != nil)
        let slow = Choice().exclusion(of: site("a", endsIn: 29, tokensPerSecond: nil), for: needs, now: Case.at(1001))
        #expect(slow?.description == "its job ends in 29 s, the request would take about 26 s")
    }

    @Test(arguments: [Double.nan, .infinity, -1, -.infinity, 1e300]) func whatAPeerSaysMayBeAnything(number: Double) {
        let load = LiveLoad()
        load.learn(walltimeEnds: LiveLoad.nanoseconds(number), tokensPerSecond: number)
        load.setRoundTrip(seconds: number)
        let sample = load.sample()
        #expect(sample.tokensPerSecond >= 0 && sample.tokensPerSecond <= 1e6)
        #expect(sample.roundTripSeconds >= 0 && sample.roundTripSeconds < 60.001)
    }
}
