import API
import Gossip
import Trust

extension FederationFiles {
    /// Writes each site's admission, with the domains that the topology gives it, where each node looks for what the operator said.
    /// What an earlier `up` in the same folder left there stays: a revocation is not undone by a start.
    static func admit(_ topology: Topology, _ nodes: [PlannedNode], by authority: FederationAuthority) throws {
        let now = FederationAuthority.currentSeconds()
        let log = Logger(level: .warning, json: false, source: "up")
        let stores = nodes.map { StatementStore(directory: $0.directory, log: log) }
        let ledgers = stores.map { store in
            let ledger = TrustLedger(federation: topology.federation, roots: [authority.root])
            store.load(into: ledger, now: now)
            return ledger
        }
        for site in topology.sites {
            let admission = Admission(site: site.site, domains: site.vouches, nodes: site.nodes.count)
            if ledgers.allSatisfy({ $0.admission(of: site.site) == admission }) { continue }
            let previous = ledgers.flatMap(\.held).map(\.statement.serial).max() ?? 0
            // One token for all: the same statement signed twice would be two.
            let token = try authority.issuer.sign(.admission(admission), now: now, previous: previous)
            for ledger in ledgers { _ = try ledger.take(token, now: now) }
        }
        for (store, ledger) in zip(stores, ledgers) { store.save(ledger) }
    }
}
