import Gossip
import Testing

@testable import Routing

/// The quick look lets through what the rules let through, and nothing else.
@Suite struct FieldTests {
    @Test func theQuickLookAndTheRulesAreOne() {
        var admitted = 0
        var refused = 0
        for seed in 1...2000 as ClosedRange<UInt64> {
            let situation = Situation(seed: seed)
            withUnsafeTemporaryAllocation(of: Reading.self, capacity: situation.candidates.count) { readings in
                let choice = situation.choice
                let field = choice.field(
                    situation.candidates, situation.needs, tried: 0, readings, now: situation.now)
                for (index, candidate) in situation.candidates.enumerated() {
                    let rule = choice.exclusion(of: candidate, for: situation.needs)
                    let isOver = choice.exclusion(of: candidate, for: situation.needs, now: situation.now) != nil
                    let isIn = (field?.all ?? 0) & (1 << UInt64(index)) != 0
                    #expect(!isIn || rule == nil, "seed \(seed): \(candidate.node) is let through")
                    #expect(isIn || isOver, "seed \(seed): \(candidate.node) is kept out")
                    if isIn { admitted += 1 } else { refused += 1 }
                }
            }
        }
        #expect(admitted > 1000 && refused > 1000)
    }

    /// Whose word is taken where does not depend on who was asked before.
    @Test func eachSitesOwnVouchingCounts() throws {
        let vouchings: [Vouching?] = [
            nil, Vouching(site: "s", admitted: ["lab.example"]), Vouching(site: "s", admitted: ["other.example"]),
            Vouching(site: "s", admitted: ["lab.example"]), Vouching(site: "s", admitted: ["lab.example"], narrowed: []),
            Vouching(site: "s", admitted: nil), Vouching(site: "s", admitted: ["*"]),
        ]
        let candidates = vouchings.enumerated().map { index, vouching in
            Candidate(
                node: NodeID(site: "s\(index)", node: "n"), isLocal: false, nodeState: .alive, isDraining: false,
                variant: Variant(id: "m", state: .running, backend: "openai"), load: LiveLoad(), vouching: vouching)
        }
        var needs = RequestNeeds(model: "m")
        needs.user = RequestUser(UserIdentity(subject: "1", username: "alice@lab.example", domain: "lab.example"))
        let all = try withUnsafeTemporaryAllocation(of: Reading.self, capacity: candidates.count) { readings in
            try #require(Choice().field(candidates, needs, tried: 0, readings, now: 1)).all
        }
        #expect(all == 0b100_1011)
    }
}
