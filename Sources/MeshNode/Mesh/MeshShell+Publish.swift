import Gossip
import Routing
import Storage
import Transport
import Trust

/// What this node tells of itself.
extension MeshShell {
    func publish(_ body: RecordBody) -> [Directive] {
        machine.publish(body, now: now, wallSeconds: wallSeconds, authority: authority)
    }

    /// Before its server was looked at, a model's slots are a guess: better none told than a wrong one.
    func publishLoad() {
        guard local.allSatisfy({ $0.variant.state != .unknown }) else { return }
        let head = audit.head
        let told = AuditHead(sequence: head.sequence, hash: head.hash.hex)
        perform(publish(.load(Load(models: local.map(\.loadReport), audit: told))))
    }

    /// Those in force that our catalog depends on; they end by the clock.
    var blocksShown: [String] { router.blocks.current?.publishedKey(nowSeconds: wallSeconds) ?? [] }

    /// What the models do has changed.
    func publishCatalog() {
        publishedBlocks = blocksShown
        let blocks = router.blocks.current
        let seconds = wallSeconds
        let models = local.map { blocks?.published($0.variant, nowSeconds: seconds) ?? $0.variant }
        let offered = linkedFederations.offered(of: models)
        perform(
            publish(
                .catalog(Catalog(models: models, vouching: narrowing.isEmpty ? nil : narrowing, linked: offered))))
        publishLoad()
        showOwnChange()
    }

    /// Tells the federation to send us nothing more, or to do so again.
    func setDraining(_ draining: Bool) { update { $0.draining = draining } }

    /// Tells the federation something else of this node.
    func update(_ change: @Sendable (inout Identity) -> Void) {
        change(&identity)
        perform(publish(.identity(identity)))
        showOwnChange()
    }

    /// What linked federations have for us is another.
    func setLinked(_ nodes: [LinkedNode]) {
        linked = nodes
        showOwnChange()
    }

    /// Drops nodes that are no longer trusted, from here and from the choice.
    func forget(where isWithdrawn: @Sendable (NodeID, Identity) -> Bool) {
        perform(machine.forget(where: isWithdrawn, now: now, wallSeconds: wallSeconds))
        showOwnChange()
    }

    /// What is decided here holds at once: whoever decided it sees it in the next answer.
    private func showOwnChange() {
        pace.note(.now)
        refreshView()
        wakeForWork()
    }
}
