public import Gossip

/// All blocks of a node at one moment. Those that have expired by the wall clock do not count, whether or not they were cleared away.
public final class BlockSet: Sendable {
    /// As they were set, the oldest first.
    public let all: [Block]
    private let peers: [String: Block]
    private let users: [String: Block]
    private let keys: [String: Block]
    private let models: [String: Block]
    private let isolations: [Block]

    /// - Parameter blocks: at most one of a kind and subject counts, the last.
    public init(_ blocks: [Block]) {
        all = blocks
        func table(_ kind: BlockKind, _ name: (String) -> String = { $0 }) -> [String: Block] {
            Dictionary(blocks.filter { $0.kind == kind }.map { (name($0.subject), $0) }) { $1 }
        }
        peers = table(.peer)
        users = table(.user) { $0.lowercased() }
        keys = table(.key)
        models = table(.model)
        isolations = blocks.filter { $0.kind == .isolation }
    }

    /// What stands against a node: a block on it or on its site.
    public func peer(_ node: NodeID, nowSeconds: UInt64) -> Block? {
        if peers.isEmpty { return nil }
        return Self.inForce(peers[node.site], nowSeconds) ?? Self.inForce(peers["\(node)"], nowSeconds)
    }

    public func user(_ identity: UserIdentity?, nowSeconds: UInt64) -> Block? {
        guard !users.isEmpty, let identity else { return nil }
        return Self.inForce(users[identity.subject.lowercased()], nowSeconds)
            ?? Self.inForce(users[identity.username.lowercased()], nowSeconds)
    }

    /// What stands against a key, or against the static token that an identity of this node came by; its keys go with it.
    ///
    /// - Parameter id: of the API key; nil: another token.
    public func key(_ id: String?, of identity: UserIdentity?, nowSeconds: UInt64) -> Block? {
        if keys.isEmpty { return nil }
        if let id, let block = Self.inForce(keys[id], nowSeconds) { return block }
        guard let subject = identity?.subject, subject.hasPrefix(UserIdentity.staticPrefix) else { return nil }
        return Self.inForce(keys[String(subject.dropFirst(UserIdentity.staticPrefix.count))], nowSeconds)
    }

    public func model(_ id: String, nowSeconds: UInt64) -> Block? {
        models.isEmpty ? nil : Self.inForce(models[id], nowSeconds)
    }

    public func isolation(nowSeconds: UInt64) -> Block? { isolations.first { $0.isInForce(nowSeconds: nowSeconds) } }

    private static func inForce(_ block: Block?, _ nowSeconds: UInt64) -> Block? {
        guard let block, block.isInForce(nowSeconds: nowSeconds) else { return nil }
        return block
    }

    // MARK: Requests

    /// What stands against a request as a whole, wherever it would run.
    func against(
        user: UserIdentity?, key: String?, model: String, from peer: NodeID?, nowSeconds: UInt64
    ) -> Block? {
        if let peer {
            return self.peer(peer, nowSeconds: nowSeconds) ?? isolation(nowSeconds: nowSeconds)
                ?? self.user(user, nowSeconds: nowSeconds) ?? self.model(model, nowSeconds: nowSeconds)
        }
        return self.user(user, nowSeconds: nowSeconds) ?? self.key(key, of: user, nowSeconds: nowSeconds)
            ?? self.model(model, nowSeconds: nowSeconds)
    }

    /// What stands against sending anything to another node.
    func against(sendingTo node: NodeID, nowSeconds: UInt64) -> Block? {
        peer(node, nowSeconds: nowSeconds) ?? isolation(nowSeconds: nowSeconds)
    }

    // MARK: What others are told

    /// A model as this node's catalog shows it to others: one that nobody there could use is in maintenance.
    public func published(_ variant: Variant, nowSeconds: UInt64) -> Variant {
        let isBlocked = model(variant.id, nowSeconds: nowSeconds) != nil
        guard isBlocked || isolation(nowSeconds: nowSeconds) != nil else { return variant }
        var shown = variant
        shown.state = .maintenance
        shown.stateReason = isBlocked ? "blocked by the site's operator" : "the node is isolated by its operator"
        shown.direct = nil
        return shown
    }

    /// Names what `published` depends on: when it differs, the catalog does.
    public func publishedKey(nowSeconds: UInt64) -> [String] {
        (Array(models.values) + isolations).filter { $0.isInForce(nowSeconds: nowSeconds) }.map(\.id).sorted()
    }
}
