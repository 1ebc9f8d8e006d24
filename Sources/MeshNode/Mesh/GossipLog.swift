import Gossip

/// What gossip tells an operator, in words. What a peer can cause again and again is said once a minute.
struct GossipLog: Sendable {
    let me: NodeID
    let log: Logger

    func note(_ change: Change) {
        switch change {
        case .nodeState(let node, let from, let to):
            guard node != me else { return }
            let message =
                "node \(node) is \(to.rawValue)" + (from.map { " (was \($0.rawValue))" } ?? ", heard of for the first time")
            if to == .alive || to == .left { log.info(message) } else { log.warning(message) }
        case .record(let node, let kind): log.debug("\(kind) of \(node) is new")
        case .forgotten(let node): log.info("node \(node) is forgotten")
        }
    }

    func note(_ notice: Notice) {
        switch notice {
        case .refused(let refusal, let peer, let origin):
            log.warnSeldom(
                "record \(refusal) \(peer)",
                "record of \(origin.map { "\($0)" } ?? "unknown") by way of \(peer) refused: \(refusal.rawValue)")
        case .seedIsSelf(let address): log.debug("seed \(address) is this node")
        case .wrongNode(let expected, let found):
            log.warnSeldom("wrong \(expected)", "\(found) answers where \(expected) should be")
        case .generationRaised(let from, let to):
            log.warning("generation raised from \(from) to \(to): another node has our name, or our state was set back")
        case .notPublished(let kind, let reason): log.error("our \(kind) could not be signed: \(reason)")
        case .greylisted(let peer, let score):
            log.warning(
                "nothing of what \(peer) says counts for a while: it handed over what no honest node does (\(score) points)")
        case .equivocated(let node, let kind):
            log.warnSeldom(
                "equivocation \(node)",
                "\(node) signed two different records (\(kind)) of one version: a copy of it runs, or its key was stolen")
        case .doubting(let doubting):
            log.warning(doubting ? "more than half of the mesh looks dead: doubting ourselves first" : "no longer in doubt")
        case .paused(let seconds): log.warning("this process stood still for \(Int(seconds)) s")
        }
    }

    /// An exchange that we began came to nothing.
    func failed(_ contact: Contact, _ error: String, isRefusal: Bool) {
        let who = contact.node.map { "\($0)" } ?? "seed"
        if isRefusal {
            log.warnSeldom("link \(contact.address)", "link to \(who) at \(contact.address) refused: \(error)")
        } else {
            log.debug("gossip with \(who) at \(contact.address) failed: \(error)")
        }
    }

    func notUnderstood(_ peer: NodeID, _ error: CodecError) {
        log.warnSeldom("gossip from \(peer)", "gossip from \(peer) is not understood: \(error)")
    }
}
