import Gossip
import Routing
import Transport

/// What was submitted to a site's endpoints while its nodes were away, told to them when they are back.
extension MeshShell {
    /// Between two tries.
    private static let usesPauseSeconds = 5.0

    func tellDirectUses() {
        let sites = router.directUses.sites
        guard !sites.isEmpty, usesQuietUntil <= now else { return }
        for site in sites {
            let isBack = router.view.mesh.nodes.first {
                $0.id.site == site && $0.state == .alive
                    && router.blocks.current?.peer($0.id, nowSeconds: wallSeconds) == nil
            }
            guard let node = isBack, let address = node.identity?.mesh else { continue }
            let uses = router.directUses.take(of: site)
            usesQuietUntil = now.adding(seconds: Self.usesPauseSeconds)
            if !uses.isEmpty { Task(executorPreference: loop) { await self.send(uses, to: node.id, at: address) } }
        }
    }

    private func send(_ uses: [DirectUse], to node: NodeID, at address: String) async {
        do throws(TransportError) {
            guard let body = DirectUse.encode(uses) else { throw TransportError(.system, "the list cannot be encoded") }
            let answer = try await post(
                MeshPort.directUsesPath, to: node, at: address, fields: [("Content-Type", "application/json")], body: body,
                limit: 65_536, seconds: 10)
            guard answer.status == 200 else { throw TransportError(.protocolViolation, "it answered \(answer.status)") }
            log.info("told \(node) of \(uses.count) requests submitted to its endpoints in its absence")
        } catch {
            router.directUses.putBack(uses, of: node.site)
            log.warnSeldom("uses \(node)", "\(node) could not be told of the use of its endpoints: \(error.message)")
        }
    }
}
