import CLinux
import Gossip
import Routing
import Storage
import Trust

/// What routing is given to choose by.
extension MeshShell {
    /// Makes a new view where one is due.
    func refreshView() {
        let now = mesh_monotonic_ns()
        guard pace.dueAt(nodes: router.view.mesh.nodes.count) <= now else { return }
        pace.made(at: now)
        let view = machine.view
        witness(view)
        router.setView(builder.build(view, linked: linked, now: now))
    }

    /// Keeps what other nodes tell of their audit logs.
    private func witness(_ view: MeshView) {
        for node in view.nodes where node.id != machine.me && witnessed[node.id] != node.loadVersion {
            witnessed[node.id] = node.loadVersion
            guard let head = node.load?.audit, let hash = SHA256Digest(hex: head.hash), head.sequence > 0 else { continue }
            audit.witness(
                site: node.id.site, node: node.id.node, head: ChainHead(sequence: head.sequence, hash: hash))
        }
        if witnessed.count > 2 * view.nodes.count + 16 {
            let known = Set(view.nodes.map(\.id))
            witnessed = witnessed.filter { known.contains($0.key) }
        }
    }
}
