import Testing

@testable import Gossip
@testable import Routing

private func variant(_ id: String, _ edit: (inout Variant) -> Void = { _ in }) -> Variant {
    var variant = Variant(id: id, state: .running, backend: "openai")
    edit(&variant)
    return variant
}

private func node(_ site: String, _ models: [Variant], linked: [String: [String]]?, state: NodeState = .alive) -> NodeView {
    NodeView(
        id: NodeID(site: site, node: "n1"), state: state, generation: 1,
        identity: Identity(
            api: "https://\(site)", mesh: "https://\(site):8201", certificate: "", certificateExpires: 1, software: "t"),
        catalog: Catalog(models: models, linked: linked), load: nil, identityVersion: nil, catalogVersion: nil,
        loadVersion: nil, heardAt: Instant(nanoseconds: 0), loadHeardAt: nil, exchangedAt: nil, roundTripSeconds: nil,
        stateSince: Instant(nanoseconds: 0))
}

@Suite struct LinkedFederationTests {
    @Test func whatStaysAtItsSiteIsNeverOffered() {
        let link = LinkedFederation(federation: "south", offers: ["*"])
        let models = [variant("a"), variant("b") { $0.policy = "local" }, variant("c") { $0.highAssurance = true }]
        #expect([link].offered(of: models) == ["south": ["a"]])
        #expect([LinkedFederation(federation: "south", offers: ["b", "x"])].offered(of: models) == nil)
    }

    @Test func eachSiteDecidesWhatItOffers() {
        var link = LinkedFederation(federation: "south", vouches: ["south.edu"])
        link.users = AccessRule(domains: ["south.edu"])
        let models = [
            variant("a"),
            variant("b") {
                $0.direct = DirectOffer(
                    entrySites: ["x"], maxAgeSeconds: 1, endpoint: "e", function: "f", style: "meshnode", server: "{}",
                    upstreamModel: "m", slots: 1)
            },
        ]
        let mesh = MeshView(
            at: Instant(nanoseconds: 0),
            nodes: [
                node("one", models, linked: ["south": ["b"]]), node("two", models, linked: ["west": ["a"]]),
                node("three", models, linked: nil), node("four", models, linked: ["south": ["a"]], state: .unreachable),
            ])
        let list = link.list(of: mesh, as: "north")
        #expect(list.federation == "north" && list.vouches == ["south.edu"])
        #expect(list.nodes.map(\.site) == ["one"])
        #expect(list.nodes.first?.models.map(\.id) == ["b"])
        #expect(list.nodes.first?.models.first?.direct == nil)
        #expect(list.nodes.first?.models.first?.access.map(\.name) == ["the link with south"])
    }

    @Test func whatIsNotWantedIsNotTaken() throws {
        let list = LinkList(
            federation: "south", vouches: ["*"],
            nodes: [
                LinkList.Node(
                    site: "delta", node: "d1", mesh: "https://d:1",
                    models: [variant("a") { $0.aliases = ["ours"] }, variant("b")],
                    load: []),
                LinkList.Node(site: "epsilon", node: "e1", mesh: "https://e:1", models: [variant("b")], load: []),
            ])
        let taken = LinkedFederation(federation: "south", takes: ["a"]).taken(list, now: 7)
        #expect(taken.map(\.id.description) == ["south:delta/d1"])
        #expect(taken.first?.models.map(\.id) == ["a"])
        #expect(taken.first?.models.first?.aliases == [], "a name that was not agreed on")
        #expect(LinkList.decode(list.encode(), of: "south") == list)
        // A list of another, or with names that are none.
        #expect(LinkList.decode(list.encode(), of: "west") == nil)
        var bad = list
        bad.nodes[0].site = "../x"
        #expect(LinkList.decode(bad.encode(), of: "south") == nil)
    }

    @Test func ourOwnSitesComeBeforeLinkedOnes() {
        func candidate(_ id: NodeID, free: Int) -> Candidate {
            let load = LiveLoad()
            load.update(slots: 4, running: 4 - free, waiting: 0, now: 1000)
            return Candidate(
                node: id, isLocal: false, nodeState: .alive, isDraining: false, variant: variant("m"), load: load)
        }
        let own = NodeID(site: "beta", node: "b1")
        let theirs = NodeID(federation: "south", site: "delta", node: "d1")
        func site(own ownFree: Int, theirs theirsFree: Int) -> String? {
            let candidates = [candidate(theirs, free: theirsFree), candidate(own, free: ownFree)]
            var random = SplitMix64(seed: 3)
            return Choice().pick(candidates, for: RequestNeeds(model: "m"), now: 2000, random: &random).map {
                candidates[$0.index].node.siteName
            }
        }
        #expect(site(own: 1, theirs: 4) == "beta")
        #expect(site(own: 0, theirs: 4) == "south:delta")
        #expect(site(own: 0, theirs: 0) == "beta")
        #expect(site(own: 0, theirs: 0) != "south:delta")
    }

    @Test func recordsCannotNameAnotherFederation() throws {
        #expect(NodeID(federation: "south", site: "a", node: "b") != NodeID(site: "a", node: "b"))
        #expect(NodeID(federation: "south", site: "a", node: "b").description == "south:a/b")
    }
}
