@testable import Gossip
import Testing

@testable import Routing

private func node(_ text: String, state: NodeState = .alive, via: [String]? = nil) -> NodeView {
    let id = NodeID(text: text) ?? NodeID(site: "none", node: "none")
    return NodeView(
        id: id, state: state, generation: 1,
        identity: Identity(
            api: "", mesh: "https://\(id.site):1", certificate: "", certificateExpires: 0, software: "",
            via: via.map { $0.compactMap(NodeID.init(text:)) }),
        catalog: nil, load: nil, identityVersion: nil, catalogVersion: nil, loadVersion: nil,
        heardAt: Instant(nanoseconds: 0), loadHeardAt: nil, exchangedAt: nil, roundTripSeconds: nil,
        stateSince: Instant(nanoseconds: 0))
}

private func carriers(_ nodes: [NodeView], of text: String) -> [String]? {
    let view = MeshView(at: Instant(nanoseconds: 0), nodes: nodes)
    return NodeID(text: text).flatMap { view.place(of: $0)?.carriers?.map { "\($0.node) \($0.address)" } }
}

@Suite struct MeshPlaceTests {
    @Test func aNodeThatTakesCallsIsCalled() {
        let view = MeshView(at: Instant(nanoseconds: 0), nodes: [node("a/1")])
        #expect(
            view.place(of: NodeID(site: "a", node: "1"))
                == MeshPlace(node: NodeID(site: "a", node: "1"), address: "https://a:1"))
        #expect(view.place(of: NodeID(site: "b", node: "1")) == nil)
    }

    @Test func carriersAreFoundByTheirOwnWord() {
        let nodes = [node("a/1", via: ["b/1", "c/1", "unknown/1"]), node("b/1"), node("c/1")]
        #expect(carriers(nodes, of: "a/1") == ["b/1 https://b:1", "c/1 https://c:1"])
    }

    @Test func deadCarriersAreLeftOutWhileOthersLive() {
        let nodes = [node("a/1", via: ["b/1", "c/1"]), node("b/1", state: .unreachable), node("c/1", state: .suspect)]
        #expect(carriers(nodes, of: "a/1") == ["c/1 https://c:1"])
        let all = [node("a/1", via: ["b/1"]), node("b/1", state: .dead)]
        #expect(carriers(all, of: "a/1") == ["b/1 https://b:1"])
    }

    /// What a hostile record may claim: itself, or one that is carried too.
    @Test func noLoops() {
        let nodes = [node("a/1", via: ["a/1", "b/1"]), node("b/1", via: ["a/1"])]
        #expect(carriers(nodes, of: "a/1") == [])
    }

    @Test(arguments: ["", "a", "a/", "/b", "a/b/c", "A/b", "a/b ", "-a/b", "a/b-", "a/\u{e9}"])
    func whatIsNoNode(_ text: String) { #expect(NodeID(text: text) == nil) }
}
