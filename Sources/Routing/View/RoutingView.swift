public import Gossip
public import Transport

/// Where a candidate's requests go.
public enum RouteTarget: Sendable {
    case local(LocalModel)
    /// The mesh port of another node.
    case peer(Upstream)
}

/// One model name and all that can serve it: the candidates and, at the same index, where each is.
public struct ModelRoutes: Sendable {
    /// The id in the catalog; the name asked for may be an alias.
    public let id: String
    public let candidates: [Candidate]
    public let targets: [RouteTarget]
    /// Endpoints that may be used while their site's nodes are away.
    public let directs: [DirectRoute]
    /// Tokens, of the variant that holds the most; the largest number where one does not tell.
    let longestContext: Int
    /// Whose vectors a caller gets who does not say; nil: all are of one variant.
    public let embeddingVariant: VariantKey?

    public init(id: String, candidates: [Candidate], targets: [RouteTarget], directs: [DirectRoute] = []) {
        self.id = id
        self.candidates = candidates
        self.targets = targets
        self.directs = directs
        longestContext = candidates.lazy.map(\.mostContextTokens).max() ?? 0
        embeddingVariant = VariantKey.ofEmbeddings(among: candidates)
    }
}

/// What all workers route by: an immutable snapshot, swapped as one reference.
public final class RoutingView: Sendable {
    /// By id and by alias.
    public let routes: [String: ModelRoutes]
    /// Ids alone, sorted.
    public let models: [String]
    public let mesh: MeshView
    /// Nodes of linked federations that have something for us.
    public let linked: [LinkedNode]
    /// Nodes that offer models and can be reached, as far as links to them are kept ready.
    public let links: [MeshLink]

    public init(
        routes: [String: ModelRoutes], models: [String], mesh: MeshView, links: [MeshLink] = [], linked: [LinkedNode] = []
    ) {
        self.linked = linked
        self.routes = routes
        self.models = models
        self.mesh = mesh
        self.links = links
    }

    public static let empty = RoutingView(
        routes: [:], models: [], mesh: MeshView(at: Instant(nanoseconds: 0), nodes: []))
}

/// Makes routing views from mesh views, keeping what outlives them: connections' upstreams and live loads.
public struct RoutingViewBuilder {
    private struct LoadKey: Hashable {
        let node: NodeID
        let model: String
    }

    public let me: NodeID
    private let local: [LocalModel]
    private let makeUpstream: (MeshPlace, Upstream?) -> Upstream?
    private let makeDirect: (NodeID, Variant, DirectOffer) -> LocalModel?
    private let vouches: (String) -> [String]?
    private let federation: String
    private var directs: [LoadKey: (offer: DirectOffer, model: LocalModel)] = [:]
    private var upstreams: [NodeID: (place: MeshPlace, upstream: Upstream)] = [:]
    private var loads: [LoadKey: LiveLoad] = [:]
    private var loadVersions: [NodeID: Version] = [:]
    private var linkedHeard: [NodeID: UInt64] = [:]

    /// - Parameters:
    ///   - makeUpstream: from where a node is, given what was made for where it was before; nil if that is no address.
    ///   - makeDirect: what runs requests at another site's endpoint; nil where this node cannot.
    ///   - federation: this node's own, as linked ones know it.
    ///   - vouches: domains of users for whom a site's word is taken, by its admission; nil: it has none.
    public init(
        me: NodeID, local: [LocalModel], makeUpstream: @escaping (MeshPlace, Upstream?) -> Upstream?,
        makeDirect: @escaping (NodeID, Variant, DirectOffer) -> LocalModel? = { _, _, _ in nil },
        federation: String = "", vouches: @escaping (String) -> [String]? = { _ in [Vouching.any] }
    ) {
        self.federation = federation
        self.vouches = vouches
        self.makeDirect = makeDirect
        self.me = me
        self.local = local
        self.makeUpstream = makeUpstream
    }

    /// - Parameters:
    ///   - linked: nodes of linked federations that have something for us.
    ///   - now: monotonic nanoseconds.
    public mutating func build(_ mesh: MeshView, linked: [LinkedNode] = [], now: UInt64) -> RoutingView {
        var found: [String: (candidates: [Candidate], targets: [RouteTarget])] = [:]
        var aliases: [String: String] = [:]
        var offers: [String: [DirectRoute]] = [:]
        func add(_ candidate: Candidate, _ target: RouteTarget) {
            let id = candidate.variant.id
            // A mask over candidates is one word.
            guard found[id]?.candidates.count ?? 0 < 64 else { return }
            found[id, default: ([], [])].candidates.append(candidate)
            found[id, default: ([], [])].targets.append(target)
            for alias in candidate.variant.aliases where aliases[alias] == nil { aliases[alias] = id }
        }
        let isDraining = mesh[me]?.identity?.draining ?? false
        let admitted = vouches(me.site)
        for model in local {
            add(
                Candidate(
                    node: me, isLocal: true, nodeState: .alive, isDraining: isDraining, variant: model.variant,
                    load: model.gate.load), .local(model))
        }
        var links: [MeshLink] = []
        for node in mesh.nodes where node.id != me {
            guard let catalog = node.catalog, let identity = node.identity,
                let upstream = mesh.place(of: node).flatMap({ upstream($0) })
            else {
                continue
            }
            hear(node, now: now)
            if !catalog.models.isEmpty, node.state == .alive || node.state == .suspect, links.count < MeshLink.mostKept {
                links.append(MeshLink(node: node.id, upstream: upstream))
            }
            let vouching = Vouching(
                site: me.site, isOwn: node.id.site == me.site, admitted: admitted, narrowed: catalog.vouching?[me.site])
            for variant in catalog.models {
                if let seconds = node.roundTripSeconds { load(node.id, variant.id).setRoundTrip(seconds: seconds) }
                add(
                    Candidate(
                        node: node.id, isLocal: false, nodeState: node.state, isDraining: identity.draining,
                        variant: variant,
                        load: load(node.id, variant.id), vouching: vouching, api: identity.api), .peer(upstream))
                if let direct = direct(node, variant, vouching) { offers[variant.id, default: []].append(direct) }
            }
        }
        for node in linked {
            guard let upstream = upstream(MeshPlace(node: node.id, address: node.mesh)) else { continue }
            hear(node)
            let vouching = Vouching(
                site: NodeID(federation: federation, site: me.site, node: me.node).siteName, admitted: admitted,
                narrowed: node.vouches)
            for variant in node.models {
                add(
                    Candidate(
                        node: node.id, isLocal: false, nodeState: .alive, isDraining: false, variant: variant,
                        load: load(node.id, variant.id), vouching: vouching), .peer(upstream))
            }
        }
        forget(allBut: mesh, linked)
        var routes: [String: ModelRoutes] = [:]
        for (id, parts) in found {
            routes[id] = ModelRoutes(
                id: id, candidates: parts.candidates, targets: parts.targets, directs: offers[id] ?? [])
        }
        for (alias, id) in aliases where routes[alias] == nil { routes[alias] = routes[id] }
        return RoutingView(routes: routes, models: found.keys.sorted(), mesh: mesh, links: links, linked: linked)
    }

    /// Drops what was kept of nodes and models that are no more: peers could otherwise fill our memory with new names.
    private mutating func forget(allBut mesh: MeshView, _ linked: [LinkedNode]) {
        let nodes = Set(mesh.nodes.map(\.id) + linked.map(\.id))
        upstreams = upstreams.filter { nodes.contains($0.key) }
        loadVersions = loadVersions.filter { nodes.contains($0.key) }
        var models: Set<LoadKey> = []
        for node in mesh.nodes {
            for variant in node.catalog?.models ?? [] { models.insert(LoadKey(node: node.id, model: variant.id)) }
            for model in node.load?.models ?? [] { models.insert(LoadKey(node: node.id, model: model.id)) }
        }
        for node in linked { for variant in node.models { models.insert(LoadKey(node: node.id, model: variant.id)) } }
        linkedHeard = linkedHeard.filter { nodes.contains($0.key) }
        loads = loads.filter { models.contains($0.key) }
        directs = directs.filter { models.contains($0.key) }
    }

    /// Hands what a linked federation told of its load.
    private mutating func hear(_ node: LinkedNode) {
        guard linkedHeard[node.id] != node.heardAt else { return }
        linkedHeard[node.id] = node.heardAt
        for model in node.load {
            load(node.id, model.id).update(
                slots: model.slots, running: model.running, waiting: model.waiting, now: node.heardAt)
        }
    }

    /// Hands a load record that is new to the live loads.
    private mutating func hear(_ node: NodeView, now: UInt64) {
        guard let load = node.load, let version = node.loadVersion, loadVersions[node.id] != version else { return }
        loadVersions[node.id] = version
        let heardAt = node.loadHeardAt?.nanoseconds ?? now
        for model in load.models {
            let known = self.load(node.id, model.id)
            known.update(slots: model.slots, running: model.running, waiting: model.waiting, now: heardAt)
            known.learn(
                walltimeEnds: model.walltimeRemainingSeconds.map { heardAt &+ LiveLoad.nanoseconds($0) },
                tokensPerSecond: model.tokensPerSecond)
        }
    }

    private mutating func direct(_ node: NodeView, _ variant: Variant, _ vouching: Vouching) -> DirectRoute? {
        // What we heard from the node itself: others' word of it may be as old as they like.
        guard let offer = node.directOffer(of: variant, to: me.site), let exchangedAt = node.exchangedAt else { return nil }
        let key = LoadKey(node: node.id, model: variant.id)
        if directs[key]?.offer != offer {
            directs[key] = makeDirect(node.id, variant, offer).map { (offer, $0) }
        }
        guard let model = directs[key]?.model else { return nil }
        // Whatever its site says of the way that data takes: this one goes through Globus Compute.
        var submitted = variant
        submitted.path = .globusCloud
        return DirectRoute(
            node: node.id, model: model,
            candidate: Candidate(
                node: node.id, isLocal: false, nodeState: .alive, isDraining: false, variant: submitted,
                load: model.gate.load,
                vouching: vouching, api: node.identity?.api),
            nodeState: node.state, heardAt: exchangedAt.nanoseconds, maximumAge: UInt64(offer.maxAgeSeconds * 1e9))
    }

    private mutating func load(_ node: NodeID, _ model: String) -> LiveLoad {
        let key = LoadKey(node: node, model: model)
        if let known = loads[key] { return known }
        let made = LiveLoad()
        loads[key] = made
        return made
    }

    private mutating func upstream(_ place: MeshPlace) -> Upstream? {
        let known = upstreams[place.node]
        if let known, known.place == place { return known.upstream }
        guard let made = makeUpstream(place, known?.upstream) else { return nil }
        upstreams[place.node] = (place, made)
        return made
    }
}
