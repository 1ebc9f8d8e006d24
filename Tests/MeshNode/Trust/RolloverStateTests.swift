import Testing

@testable import MeshNode

/// Each phase is proven by what the nodes themselves say, or it has not been reached.
@Suite struct RolloverStateTests {
    struct Node {
        var name: String
        var bundle: UInt64
        var root = "old"
        var state = "alive"
    }

    private func state(
        _ nodes: [Node], roots: [String] = ["old", "new"], serial: UInt64 = 7, renewing: Bool = false, next: String? = "new"
    ) -> RolloverState {
        let members = nodes.map {
            FederationAnswer.Member(
                site: $0.name, node: "n", state: $0.state, certificateExpires: nil, root: $0.root, issues: false,
                bundle: $0.bundle, ledger: nil)
        }
        let answer = FederationAnswer(
            federation: "demo", own: .init(site: "a", node: "n", revoked: nil, issuer: nil), ledger: "",
            bundle: .init(
                serial: serial, renewBefore: renewing ? "2026-01-01T00:00:00Z" : nil,
                roots: roots.map { .init(sha256: $0, subject: "", expires: "") }),
            members: members, revocations: [], statements: [])
        return RolloverState(answer, next: next)
    }

    @Test func nothingIsUnderWay() { #expect(state([Node(name: "a", bundle: 7)], next: nil).phase == .none) }

    @Test func theNodeAskedDoesNotKnowTheNewRootYet() {
        let found = state([Node(name: "a", bundle: 7)], roots: ["old"])
        #expect(found.phase == .widening && found.missing == ["a/n"])
    }

    @Test func oneThatIsAliveHasNotAcknowledged() {
        let found = state([Node(name: "a", bundle: 7), Node(name: "b", bundle: 6), Node(name: "c", bundle: 7)])
        #expect(found.phase == .widening && found.missing == ["b/n"])
        #expect(found.advice.contains("b/n"))
    }

    /// A suspect one is not gone: it is waited for. A dead one is told of, and not waited for.
    @Test func whoIsAwayIsNamed() {
        let suspect = state([Node(name: "a", bundle: 7), Node(name: "b", bundle: 6, state: "suspect")])
        #expect(suspect.phase == .widening)
        let dead = state([
            Node(name: "a", bundle: 7), Node(name: "b", bundle: 6, state: "dead"), Node(name: "c", bundle: 1, state: "left"),
        ])
        #expect(dead.phase == .widened && dead.missing.isEmpty && dead.away == ["b/n"])
    }

    @Test func certificatesUnderTheOldRootKeepItFromBeingDropped() {
        let nodes = [Node(name: "a", bundle: 7, root: "new"), Node(name: "b", bundle: 7)]
        let found = state(nodes, renewing: true)
        #expect(found.phase == .switching && found.missing == ["b/n"])
        #expect(state(nodes.map { Node(name: $0.name, bundle: 7, root: "new") }, renewing: true).phase == .switched)
    }

    /// Under the new root, but not yet told of the present bundle.
    @Test func bothAreAskedFor() {
        let found = state([Node(name: "a", bundle: 6, root: "new")], renewing: true)
        #expect(found.phase == .switching)
    }
}
