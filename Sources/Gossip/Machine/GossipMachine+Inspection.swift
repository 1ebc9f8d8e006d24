// What whoever runs many machines at once looks at after each event, in constant time: the simulated world's checks.

/// One node as a machine holds it: its state and what is held of it.
package struct Sighting: Sendable {
    package var state: NodeState
    package var digest: DigestEntry

    package init(state: NodeState, digest: DigestEntry) {
        self.state = state
        self.digest = digest
    }
}

extension GossipMachine {
    /// What is held about a node; nil: nothing.
    package func sighting(of id: NodeID) -> Sighting? {
        guard let slot = nodes.slot(of: id.digestHash), nodes.entries[slot].id == id else { return nil }
        var digest = nodes.digests[slot]
        digest.generation = nodes.entries[slot].generation
        return Sighting(state: nodes.entries[slot].state, digest: digest)
    }

    /// A record as it came, with what proves it.
    package func heldRecord(_ kind: RecordKind, of id: NodeID) -> SignedRecord? { nodes[id]?[kind] }

    /// Bytes of the records held of one node.
    package func recordBytes(of id: NodeID) -> Int { nodes[id]?.recordBytes ?? 0 }
}
