@testable import Gossip
import Globus
import Testing
import Transport

@testable import Routing

private let me = NodeID(site: "a", node: "a1")
private let gone = NodeID(site: "c", node: "c1")
private let other = NodeID(site: "c", node: "c2")
private let second: UInt64 = 1_000_000_000

private func offer(_ edit: (inout DirectOffer) -> Void = { _ in }) -> DirectOffer {
    var offer = DirectOffer(
        entrySites: ["a"], maxAgeSeconds: 300, endpoint: "e", function: "f", style: "meshnode", server: "{}",
        upstreamModel: "m", slots: 4)
    edit(&offer)
    return offer
}

private func node(
    _ id: NodeID = gone, state: NodeState = .unreachable, draining: Bool = false, left: Bool = false,
    _ edit: (inout Variant) -> Void = { _ in }
) -> NodeView {
    let heard = Instant(nanoseconds: 100 * second)
    var variant = Variant(id: "m", state: .running, backend: "globusCompute", direct: offer())
    edit(&variant)
    return NodeView(
        id: id, state: state, generation: 1,
        identity: Identity(
            api: "http://127.0.0.1:2", mesh: "https://127.0.0.1:1", certificate: "", certificateExpires: 0, software: "1",
            draining: draining, left: left),
        catalog: Catalog(models: [variant]), load: nil, identityVersion: nil, catalogVersion: nil, loadVersion: nil,
        heardAt: heard, loadHeardAt: nil, exchangedAt: heard, roundTripSeconds: nil, stateSince: heard)
}

/// A model that would run the requests; nothing is sent in these tests.
private func model(_ variant: Variant) -> LocalModel {
    LocalModel(
        declared: variant, upstreamModel: variant.id,
        backend: .server(
            InferenceServer(
                upstream: Upstream(target: HostPort(host: "127.0.0.1", port: 1), tls: nil), basePath: "", kind: "openai")),
        gate: Gate(slots: 4), declaredSlots: 4)
}

private func routes(_ nodes: [NodeView]) -> ModelRoutes? {
    var builder = RoutingViewBuilder(
        me: me, local: [], makeUpstream: { _, _ in Upstream(target: HostPort(host: "127.0.0.1", port: 1), tls: nil) },
        makeDirect: { _, variant, _ in model(variant) })
    return builder.build(MeshView(at: Instant(nanoseconds: 200 * second), nodes: nodes), now: 200 * second).routes["m"]
}

private func direct(_ nodes: [NodeView], at seconds: UInt64 = 150, unreached: UInt64 = 0, needs: RequestNeeds? = nil) -> Bool
{
    guard let routes = routes(nodes) else { return false }
    let router = Router(me: me, seed: 1)
    return router.directRoute(routes, needs ?? RequestNeeds(model: "m"), unreached: unreached, now: seconds * second) != nil
}

struct OfferCase: Sendable, CustomTestStringConvertible {
    var name: String
    var node: NodeView
    var allowed: Bool
    var testDescription: String { name }
}

private let offers: [OfferCase] = [
    OfferCase(name: "unreachable", node: node(), allowed: true),
    OfferCase(name: "dead", node: node(state: .dead), allowed: true),
    OfferCase(name: "no offer", node: node { $0.direct = nil }, allowed: false),
    OfferCase(name: "another site is named", node: node { $0.direct = offer { $0.entrySites = ["b"] } }, allowed: false),
    OfferCase(name: "left", node: node(state: .left), allowed: false),
    OfferCase(name: "left by its own record", node: node(left: true), allowed: false),
    OfferCase(name: "draining", node: node(draining: true), allowed: false),
    OfferCase(name: "maintenance", node: node { $0.state = .maintenance }, allowed: false),
    OfferCase(name: "stopped", node: node { $0.state = .stopped }, allowed: false),
    OfferCase(name: "local policy", node: node { $0.policy = "local" }, allowed: false),
    OfferCase(name: "an age beyond a day", node: node { $0.direct = offer { $0.maxAgeSeconds = 1e9 } }, allowed: false),
    OfferCase(name: "an age that is none", node: node { $0.direct = offer { $0.maxAgeSeconds = -1 } }, allowed: false),
]

@Suite struct DirectRouteTests {
    @Test(arguments: offers)
    func theSitesLastWordDecides(_ row: OfferCase) {
        #expect(direct([row.node]) == row.allowed)
    }

    /// Data that must not go through Globus Compute does not, whatever the site says of its model.
    @Test(arguments: [[DataPath.onSite, .peer], [.onSite, .peer, .globusCloud]], [DataPath.globusCloud, .onSite])
    func dataGoesDirectlyOnlyWhereItMayPassTheCloud(_ paths: [DataPath], _ told: DataPath) {
        var needs = RequestNeeds(model: "m")
        let policy = DataPolicy(classes: [DataClass(name: "phi", paths: Set(paths))])
        needs.data = policy.demands(told: ["phi"])
        let away = node {
            $0.dataClasses = ["phi"]
            $0.path = told
        }
        #expect(direct([away], needs: needs) == paths.contains(.globusCloud))
    }

    @Test func rulesThatAreTooOldAreNotApplied() {
        // Heard of at 100 s, and 300 s are allowed.
        #expect(direct([node()], at: 399))
        #expect(!direct([node()], at: 401))
    }

    @Test func aNodeThatMayAnswerDecidesForItself() {
        #expect(!direct([node(state: .alive)]))
        #expect(direct([node(state: .alive)], unreached: 1), "it could not be reached for this very request")
        #expect(!direct([node(), node(other, state: .alive)]))
        #expect(direct([node(), node(other, state: .alive)], unreached: 2))
        #expect(!direct([node(), node(other, state: .left)]), "a site that leaves takes its offer with it")
    }

    @Test func whatTheRequestNeedsHoldsHereToo() {
        #expect(!direct([node()], needs: RequestNeeds(model: "m", sites: ["b"])))
        #expect(direct([node()], needs: RequestNeeds(model: "m", sites: ["c"])))
        let short = node { $0.contextTokens = .declared(100) }
        #expect(!direct([short], needs: RequestNeeds(model: "m", contextTokens: 101)))
    }

    @Test func usesAreKeptForTheSiteAndBounded() {
        let uses = DirectUses()
        for number in 0..<1200 { uses.note(DirectUse(requestID: "\(number)", user: "u", model: "m", at: 1), of: "c") }
        let taken = uses.take(of: "c")
        #expect(taken.count == DirectUses.keptPerSite)
        #expect(taken.last?.requestID == "1199")
        #expect(uses.take(of: "c").isEmpty)
        uses.putBack(taken, of: "c")
        #expect(uses.take(of: "c") == taken)
        #expect(DirectUse.decode(DirectUse.encode(taken) ?? []) == taken)
        #expect(DirectUse.decode(Array("[{}]".utf8)) == nil)
    }
}
