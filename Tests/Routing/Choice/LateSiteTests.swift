import Gossip
import Testing

@testable import Routing

private typealias Case = ChoiceCase

/// A site that takes what comes as if it were idle, and lets it wait.
@Suite struct LateSiteTests {
    private func picks(_ candidates: [Candidate], at seconds: Double) -> [Int] {
        (1...50).compactMap { Case.pick(candidates, Case.needs { _ in }, at: seconds, seed: $0)?.index }
    }

    @Test func itIsLeftWhateverItTells() {
        let liar = Case.site("liar", roundTrip: 0.01)
        let honest = Case.site("honest", running: 5, roundTrip: 0.05)
        #expect(picks([liar, honest], at: 1001).allSatisfy { $0 == 0 })
        liar.load.firstByte.add(seconds: 9, promptTokens: 100, now: Case.at(1001))
        #expect(picks([liar, honest], at: 1001).allSatisfy { $0 == 1 })
    }

    /// After a while it is asked again, and its first quick answer does not make up for all.
    @Test func itIsForgivenSlowly() {
        let liar = Case.site("liar", roundTrip: 0.01)
        let honest = Case.site("honest", running: 5, roundTrip: 0.25)
        liar.load.firstByte.add(seconds: 3, promptTokens: 100, now: Case.at(1001))
        for seconds in [1001, 1060] { #expect(picks([liar, honest], at: Double(seconds)).allSatisfy { $0 == 1 }) }
        #expect(picks([liar, honest], at: 1900).contains(0))
    }

    /// A long prompt takes long anywhere.
    @Test func readingALongPromptIsNoDelay() {
        let far = Case.site("far", roundTrip: 0.2)
        let near = Case.site("near", roundTrip: 0.01)
        near.load.firstByte.add(seconds: 6, promptTokens: 30_000, now: Case.at(1001))
        #expect(picks([far, near], at: 1001).allSatisfy { $0 == 1 })
    }
}
