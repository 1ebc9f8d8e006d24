public import Gossip

/// A model of a site whose nodes may be away, at the endpoint to which this node may then submit itself.
public struct DirectRoute: Sendable {
    public let node: NodeID
    /// What runs the requests: the site's endpoint, with this node's own client and callbacks.
    public let model: LocalModel
    /// The site's word on the model, with its node taken as reachable: what the rules are applied to.
    public let candidate: Candidate
    /// What the mesh last saw of the node.
    public let nodeState: NodeState
    /// Monotonic nanoseconds when this node last exchanged records with it.
    public let heardAt: UInt64
    /// Nanoseconds after that in which its rules may be applied here.
    public let maximumAge: UInt64

    public init(
        node: NodeID, model: LocalModel, candidate: Candidate, nodeState: NodeState, heardAt: UInt64, maximumAge: UInt64
    ) {
        self.node = node
        self.model = model
        self.candidate = candidate
        self.nodeState = nodeState
        self.heardAt = heardAt
        self.maximumAge = maximumAge
    }

    /// Whether the rules are young enough.
    func isFresh(now: UInt64) -> Bool { now <= heardAt || now - heardAt <= maximumAge }
}

extension NodeView {
    /// The offer of a variant to the nodes of `site`, as far as the node itself allows it: not after it drained or left, nor for a
    /// model that it took down.
    func directOffer(of variant: Variant, to site: String) -> DirectOffer? {
        guard let offer = variant.direct, offer.entrySites.contains(site), state != .left, identity?.left != true,
            identity?.draining != true, variant.state == .running, offer.maxAgeSeconds > 0, offer.maxAgeSeconds <= 86_400
        else { return nil }
        return offer
    }
}
