import Testing

@testable import Trust

@Suite struct RenewalScheduleTests {
    private let week = RenewalSchedule(issuedAt: 1_000_000, endsAt: 1_000_000 + 604_800)

    @Test(arguments: [
        (0.0, RenewalSchedule.Urgency.none), (0.499, .none), (0.5, .due), (0.79, .due), (0.8, .pressing), (0.999, .pressing),
        (1.0, .over), (7.0, .over),
    ])
    func howLoudItIs(spent: Double, urgency: RenewalSchedule.Urgency) {
        let now = week.issuedAt + Int64((spent * 604_800).rounded())
        #expect(week.urgency(now: now) == urgency)
    }

    /// Nodes that were certified at one moment do not all ask at one moment, and none before half its life.
    @Test func theFirstTryIsSpread() {
        let tries = [-1, 0, 0.25, 0.5, 1, 2].map { week.firstTry(spread: $0) - Double(week.issuedAt) }
        #expect(tries == tries.sorted())
        #expect(tries.first == 302_400 && tries.last == 604_800 * 0.55)
        #expect(Set(tries).count == 4)
    }

    /// Enough tries fit between half life and the end, and a long life does not mean a long wait.
    @Test(arguments: [60, 3600, 86_400, 604_800, 31_536_000] as [Int64])
    func triesAreManyAndBounded(life: Int64) {
        let schedule = RenewalSchedule(issuedAt: 0, endsAt: life)
        for spread in [0, 0.5, 1.0] {
            let pause = schedule.retry(spread: spread)
            #expect(pause >= 0.75 && pause <= 750)
            #expect(Double(life) * 0.45 / pause >= 8)
        }
    }

    /// A certificate begins five minutes before it was issued; one that lasts no longer than that begins where it says.
    @Test func backdatingIsNoAge() throws {
        let workshop = try Workshop.shared.get()
        let usual = RenewalSchedule(
            try workshop.leaf {
                $0.notBefore = Workshop.now - 300
                $0.notAfter = Workshop.now + 20
            })
        #expect(usual == RenewalSchedule(issuedAt: Workshop.now, endsAt: Workshop.now + 20))
        let short = RenewalSchedule(
            try workshop.leaf {
                $0.notBefore = Workshop.now
                $0.notAfter = Workshop.now + 20
            })
        #expect(short.issuedAt == Workshop.now)
    }

    @Test func aLifeOfNothingIsOver() {
        #expect(RenewalSchedule(issuedAt: 5, endsAt: 5).spent(now: 5) == 1)
        #expect(RenewalSchedule(issuedAt: 9, endsAt: 5).urgency(now: 5) == .over)
    }
}
