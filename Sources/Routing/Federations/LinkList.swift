public import Gossip
import FoundationEssentials

/// What a node of one federation tells a node of another: the nodes where its models can be had, and what it takes the other's word
/// for. It goes over the link that both certificates prove, and is passed on to nobody.
public struct LinkList: Codable, Sendable, Equatable {
    public struct Node: Codable, Sendable, Equatable {
        public var site: String
        public var node: String
        /// URL of its mesh port.
        public var mesh: String
        public var models: [Variant]
        public var load: [ModelLoad]

        public init(site: String, node: String, mesh: String, models: [Variant], load: [ModelLoad]) {
            self.site = site
            self.node = node
            self.mesh = mesh
            self.models = models
            self.load = load
        }
    }

    /// Who tells it.
    public var federation: String
    /// Domains of users for whom the asking federation may vouch there.
    public var vouches: [String]
    public var nodes: [Node]

    /// Bytes of a list, nodes in it, and bytes of an address.
    public static let bytesAllowed = 1 << 20
    public static let nodesAllowed = 256
    static let addressBytes = 512

    /// Where it is asked for, on the mesh port.
    public static let path: StaticString = "/meshnode/v1/link"

    public init(federation: String, vouches: [String], nodes: [Node]) {
        self.federation = federation
        self.vouches = vouches
        self.nodes = nodes
    }

    public func encode() -> [UInt8] { (try? JSONEncoder().encode(self)).map { Array($0) } ?? [] }

    /// nil: no list of this federation, or one beyond its limits.
    public static func decode(_ bytes: [UInt8], of federation: String) -> LinkList? {
        guard bytes.count <= bytesAllowed, let list = try? JSONDecoder().decode(LinkList.self, from: Data(bytes)),
            list.federation == federation, list.nodes.count <= nodesAllowed,
            list.vouches.count <= Vouching.domainsAllowed,
            list.nodes.allSatisfy({ node in
                NodeID(site: node.site, node: node.node).isValid && node.mesh.utf8.count <= addressBytes
                    && node.models.count <= LinkedFederation.modelsAllowed
            })
        else { return nil }
        return list
    }
}

/// A node of a linked federation, as far as it is known here.
public struct LinkedNode: Sendable, Equatable {
    public var id: NodeID
    /// URL of its mesh port.
    public var mesh: String
    /// Those that we take.
    public var models: [Variant]
    public var load: [ModelLoad]
    /// Domains of users for whom our word is taken there.
    public var vouches: [String]
    /// Monotonic nanoseconds when it was last told of.
    public var heardAt: UInt64

    public init(id: NodeID, mesh: String, models: [Variant], load: [ModelLoad], vouches: [String], heardAt: UInt64) {
        self.id = id
        self.mesh = mesh
        self.models = models
        self.load = load
        self.vouches = vouches
        self.heardAt = heardAt
    }
}

extension LinkedFederation {
    /// What is told to its nodes: of our nodes that can be reached, those that offer it something.
    public func list(of mesh: MeshView, as federation: String) -> LinkList {
        let nodes = mesh.nodes.compactMap { node -> LinkList.Node? in
            guard node.state == .alive, let identity = node.identity, !identity.draining, identity.via == nil,
                let catalog = node.catalog, let offered = catalog.linked?[self.federation]
            else { return nil }
            let models = catalog.models.filter { offered.contains($0.id) }.map { variant in
                var told = variant
                // Our endpoints are for our own federation.
                told.direct = nil
                told.access += rule.map { [$0] } ?? []
                return told
            }
            guard !models.isEmpty else { return nil }
            let load = node.load?.models.filter { offered.contains($0.id) } ?? []
            return LinkList.Node(
                site: node.id.site, node: node.id.node, mesh: identity.mesh, models: models, load: load)
        }
        return LinkList(
            federation: federation, vouches: vouches, nodes: Array(nodes.prefix(LinkList.nodesAllowed)))
    }

    /// What of a list is taken here.
    public func taken(_ list: LinkList, now: UInt64) -> [LinkedNode] {
        list.nodes.compactMap { node in
            let models = node.models.filter { takes($0.id) }.map { variant in
                var taken = variant
                // Under a name that was not agreed on it would get requests that are meant for another model.
                taken.aliases = variant.aliases.filter(takes)
                return taken
            }
            guard !models.isEmpty else { return nil }
            return LinkedNode(
                id: NodeID(federation: federation, site: node.site, node: node.node), mesh: node.mesh, models: models,
                load: node.load, vouches: list.vouches, heardAt: now)
        }
    }
}
