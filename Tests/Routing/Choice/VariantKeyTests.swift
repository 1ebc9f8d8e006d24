import Gossip
import Testing

@testable import Routing

@Suite struct VariantKeyTests {
    private func candidate(
        _ name: String, _ revision: String?, node: String = "n", state: NodeState = .alive,
        capabilities: [String]? = ["embeddings"]
    ) -> Candidate {
        Candidate(
            node: NodeID(site: name, node: node), isLocal: false, nodeState: state, isDraining: false,
            variant: Variant(
                id: "m", state: .running, backend: "openai", revision: Fact(revision, .declared),
                capabilities: Fact(capabilities, .declared)),
            load: LiveLoad())
    }

    private func usual(_ candidates: [Candidate]) -> String? {
        VariantKey.ofEmbeddings(among: candidates).map { $0.revision ?? "unknown" }
    }

    @Test func itIsTheOneThatMostHave() {
        #expect(usual([candidate("a", "r1"), candidate("b", "r1")]) == nil)
        #expect(usual([candidate("a", "r1"), candidate("b", "r2"), candidate("c", "r2")]) == "r2")
        #expect(usual([candidate("a", "r2"), candidate("b", "r1")]) == "r1")
        #expect(usual([candidate("a", nil), candidate("b", "r9")]) == "r9")
    }

    /// A site has one voice, however many nodes it runs.
    @Test func noSiteDecidesByItsNodes() {
        let many = (0..<9).map { candidate("a", "r1", node: "n\($0)") }
        #expect(usual(many + [candidate("b", "r2"), candidate("c", "r2")]) == "r2")
    }

    /// Whoever asks next week, when other nodes are up, gets vectors of the same kind.
    @Test func itDoesNotChangeAsNodesComeAndGo() {
        for state in [NodeState.dead, .unreachable, .left] {
            let away = [candidate("b", "r2", state: state), candidate("c", "r2", state: state)]
            #expect(usual([candidate("a", "r1")] + away) == "r2")
        }
        #expect(usual([candidate("a", "r1"), candidate("b", "r2", capabilities: ["chat"])]) == nil)
    }

    @Test func whatKeepsToOneGoesToNoOther() {
        let candidates = [candidate("a", "r1"), candidate("b", "r2"), candidate("c", "r2")]
        var needs = RequestNeeds(model: "m")
        needs.variant = VariantKey.ofEmbeddings(among: candidates)
        #expect(candidates.map { Choice().exclusion(of: $0, for: needs) == nil } == [false, true, true])
    }
}
