import CLinux
import Gossip
import Routing
import Storage
import Synchronization

/// Writes the last known mesh down, off the loop: every half minute what has changed, and all of it at the end.
///
/// A disk that fails is said once, and the node goes on: what is kept here only helps it to find the others again.
final class MeshMemoryKeeper {
    private let writer: Writer
    private var kept: [NodeID: MeshMemory.Node] = [:]
    private var nextAt: UInt64 = 0
    private var seen: RoutingView?

    static let fileName = "mesh.db"
    /// Addresses that are tried when no seed answers.
    static let addressesRemembered = 64
    private static let pauseSeconds: UInt64 = 30
    /// Between two looks that found nothing to write.
    private static let lookSeconds: UInt64 = 5
    /// A node is written again for having been heard of when what is kept is this old.
    private static let heardSeconds: Int64 = 3600

    /// Writes, and says once that the disk fails and once that it is well again.
    private final class Writer: Sendable {
        private let memory: MeshMemory
        private let log: Logger
        private let failed = Atomic<Bool>(false)

        init(_ memory: MeshMemory, _ log: Logger) {
            self.memory = memory
            self.log = log
        }

        func write(_ nodes: [MeshMemory.Node], _ now: Int64) async {
            do throws(StorageError) {
                try await memory.keep(nodes, now: now)
                if failed.exchange(false, ordering: .relaxed) { log.info("the last known mesh is kept again") }
            } catch {
                guard !failed.exchange(true, ordering: .relaxed) else { return }
                log.warning("the last known mesh cannot be kept, a restart will need its seeds: \(error.message)")
            }
        }
    }

    private init(_ writer: Writer) { self.writer = writer }

    /// - Returns: the keeper, nil where nothing can be kept, and addresses to try when no seed answers.
    static func open(
        directory: String, me: NodeID, thread: StorageThread, log: Logger
    ) -> (keeper: MeshMemoryKeeper?, remembered: [String]) {
        do throws(StorageError) {
            let opened = try MeshMemory.open(
                directory + "/" + fileName, thread: thread, now: Int64(mesh_realtime_ns() / 1_000_000_000))
            if let aside = opened.damagedFile {
                log.warning("the last known mesh was damaged; it is set aside as \(aside)")
            }
            let others = opened.nodes.filter { $0.site != me.site || $0.node != me.node }
            return (MeshMemoryKeeper(Writer(opened.memory, log)), others.prefix(addressesRemembered).map(\.address))
        } catch {
            log.warning("the last known mesh cannot be kept, this node needs its seeds: \(error.message)")
            return (nil, [])
        }
    }

    /// Writes what has changed, where it is time for that. Never waits.
    func keep(_ view: RoutingView, me: NodeID, nowSeconds: UInt64) {
        // A clock that was set back must not hold it up.
        guard view !== seen, nowSeconds >= nextAt || nextAt > nowSeconds + Self.pauseSeconds else { return }
        seen = view
        nextAt = nowSeconds + Self.lookSeconds
        let now = Int64(nowSeconds)
        let changed = take(view.mesh, me, now) { old, new in
            old.address != new.address || old.generation != new.generation || old.state != new.state
                || new.heardAt - old.heardAt >= Self.heardSeconds
        }
        guard !changed.isEmpty else { return }
        nextAt = nowSeconds + Self.pauseSeconds
        let writer = writer
        Task { await writer.write(changed, now) }
    }

    /// Writes all that is known; returns when it is on the disk.
    func keepNow(_ view: RoutingView, me: NodeID, nowSeconds: UInt64) async {
        let now = Int64(nowSeconds)
        let changed = take(view.mesh, me, now) { $0 != $1 }
        await writer.write(changed, now)
    }

    /// Those of which something else is known than what was written.
    private func take(
        _ mesh: MeshView, _ me: NodeID, _ now: Int64, where differs: (MeshMemory.Node, MeshMemory.Node) -> Bool
    ) -> [MeshMemory.Node] {
        var changed: [MeshMemory.Node] = []
        var found: [NodeID: MeshMemory.Node] = [:]
        for node in mesh.nodes where node.id != me {
            guard let row = row(node, mesh.at, now) else { continue }
            if let old = kept[node.id], !differs(old, row) {
                found[node.id] = old
            } else {
                found[node.id] = row
                changed.append(row)
            }
        }
        kept = found
        return changed
    }

    /// nil for one that cannot be called: it is found through others.
    private func row(_ node: NodeView, _ at: Instant, _ now: Int64) -> MeshMemory.Node? {
        guard let identity = node.identity, identity.via?.isEmpty ?? true,
            let address = HostAndPort(meshURL: identity.mesh)?.description
        else { return nil }
        return MeshMemory.Node(
            site: node.id.site, node: node.id.node, address: address, generation: node.generation,
            state: node.state.rawValue, heardAt: now - Int64(max(0, at.seconds(since: node.heardAt))))
    }
}
