@testable import Gossip
import Testing
import Transport

@testable import Routing

private let me = NodeID(site: "a", node: "a1")

private func node(
    _ id: NodeID, _ models: [String], mesh: String = "https://127.0.0.1:1", state: NodeState = .alive, running: Int = 0,
    sequence: UInt64 = 1
) -> NodeView {
    let at = Instant(nanoseconds: 5)
    return NodeView(
        id: id, state: state, generation: 1,
        identity: Identity(api: "http://127.0.0.1:2", mesh: mesh, certificate: "", certificateExpires: 0, software: "1"),
        catalog: Catalog(
            models: models.map { Variant(id: $0, aliases: ["\($0)-alias"], state: .running, backend: "openai") }),
        load: Load(models: models.map { ModelLoad(id: $0, slots: 4, running: running, waiting: 0) }),
        identityVersion: nil, catalogVersion: nil, loadVersion: Version(generation: 1, sequence: sequence), heardAt: at,
        loadHeardAt: at, exchangedAt: nil, roundTripSeconds: nil, stateSince: at)
}

private func view(_ nodes: [NodeView]) -> MeshView { MeshView(at: Instant(nanoseconds: 10), nodes: nodes) }

@Suite struct RoutingViewTests {
    private let b = NodeID(site: "b", node: "b1")
    private let c = NodeID(site: "c", node: "c1")

    private func builder() -> RoutingViewBuilder {
        RoutingViewBuilder(me: me, local: []) { place, _ in
            HostPort(String(place.address.dropFirst(8))).map { Upstream(target: $0, tls: nil) }
        }
    }

    @Test func modelsOfAllNodesByIdAndAlias() {
        var builder = builder()
        let routing = builder.build(view([node(b, ["m", "n"]), node(c, ["m"], state: .unreachable)]), now: 10)
        #expect(routing.models == ["m", "n"])
        #expect(routing.routes["m"]?.candidates.map(\.node) == [b, c])
        #expect(routing.routes["m-alias"]?.id == "m")
        #expect(routing.routes["m"]?.candidates.map(\.state) == [.running, .disconnected])
    }

    @Test func aLiveLoadOutlivesViewsAndTakesEachRecordOnce() {
        var builder = builder()
        let first = builder.build(view([node(b, ["m"], running: 3)]), now: 10).routes["m"]?.candidates[0].load
        #expect(first?.sample().running == 3)
        first?.began()
        let second = builder.build(view([node(b, ["m"], running: 3)]), now: 20).routes["m"]?.candidates[0].load
        #expect(first === second)
        #expect(second?.sample().sentSince == 1, "the same record must not undo what was sent since")
        _ = builder.build(view([node(b, ["m"], running: 1, sequence: 2)]), now: 30)
        #expect(second?.sample().running == 1)
        #expect(second?.sample().sentSince == 0)
    }

    @Test func whatIsGoneIsForgotten() {
        var builder = builder()
        let first = builder.build(view([node(b, ["m"])]), now: 10).routes["m"]?.candidates[0].load
        let empty = builder.build(view([node(b, [])]), now: 20)
        #expect(empty.routes.isEmpty)
        let again = builder.build(view([node(b, ["m"])]), now: 30).routes["m"]?.candidates[0].load
        #expect(again != nil && first !== again)
    }

    @Test func anUnusableAddressIsNoCandidate() {
        var builder = builder()
        #expect(builder.build(view([node(b, ["m"], mesh: "nonsense")]), now: 10).routes.isEmpty)
    }

    @Test func aMovedNodeGetsNewConnections() {
        var builder = builder()
        func target(_ address: String) -> Upstream? {
            guard
                case .peer(let upstream) = builder.build(view([node(b, ["m"], mesh: address)]), now: 10).routes["m"]?
                    .targets[0]
            else {
                return nil
            }
            return upstream
        }
        let first = target("https://127.0.0.1:1")
        #expect(first != nil && first === target("https://127.0.0.1:1"))
        #expect(first !== target("https://127.0.0.1:9"))
    }
}
