import Gossip
import Synchronization
import Trust

/// Certificates by which nodes proved who they are: in a handshake, or in their identity record. A node that renews its
/// certificate has two for a while, and what it signed with either key holds.
final class ProvenCertificates: Sendable {
    struct Entry: Sendable {
        let keyID: String
        let leaf: Certificate
        let intermediates: [Certificate]
    }

    /// Of one node, the newest last; and nodes.
    private static let perNode = 8
    private static let nodesKept = 8192

    private let held = Mutex<[NodeID: [Entry]]>([:])

    func add(_ leaf: Certificate, intermediates: [Certificate], of node: NodeID) {
        let entry = Entry(keyID: Digest.hex(leaf.thumbprint), leaf: leaf, intermediates: intermediates)
        held.withLock { held in
            if held[node] == nil, held.count >= Self.nodesKept { held.removeAll() }
            var entries = held[node] ?? []
            // Used last is dropped last.
            entries.removeAll { $0.keyID == entry.keyID }
            entries.append(entry)
            if entries.count > Self.perNode { entries.removeFirst() }
            held[node] = entries
        }
    }

    func entry(of node: NodeID, keyID: String) -> Entry? {
        held.withLock { $0[node]?.first { $0.keyID == keyID } }
    }

    /// Forgets what is no longer good. What is added meanwhile stays.
    func keep(where isGood: (NodeID, Entry) -> Bool) {
        var bad: [NodeID: Set<String>] = [:]
        for (node, entries) in held.withLock({ $0 }) {
            for entry in entries where !isGood(node, entry) { bad[node, default: []].insert(entry.keyID) }
        }
        guard !bad.isEmpty else { return }
        held.withLock { held in
            for (node, keyIDs) in bad {
                held[node]?.removeAll { keyIDs.contains($0.keyID) }
                if held[node]?.isEmpty == true { held[node] = nil }
            }
        }
    }
}
