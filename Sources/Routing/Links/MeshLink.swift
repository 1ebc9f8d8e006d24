public import Gossip
public import Transport

/// A node that offers models, and where its requests go.
public struct MeshLink: Sendable {
    public let node: NodeID
    public let upstream: Upstream

    /// Links kept warm on each worker.
    public static let mostKept = 64
}
