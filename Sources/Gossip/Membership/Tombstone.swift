/// What remains of a node that is forgotten: its records of this generation or below are refused.
struct Tombstone: Sendable {
    let generation: UInt64
    let state: NodeState
    /// Seconds since 1970 from which on the buried record's own certificate refuses it.
    let endsAt: UInt64
    /// When the node, which others hold for alive, was last told of this grave.
    var toldAt: Instant?
}
