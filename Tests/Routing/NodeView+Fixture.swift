@testable import Gossip

extension NodeView {
    /// A node as a view would show it, with records that nobody signed.
    init(
        id: NodeID, state: NodeState, generation: UInt64, identity: Identity?, catalog: Catalog?, load: Load?,
        identityVersion: Version?, catalogVersion: Version?, loadVersion: Version?, heardAt: Instant,
        loadHeardAt: Instant?, exchangedAt: Instant?, roundTripSeconds: Double?, stateSince: Instant
    ) {
        self.init(
            id: id, state: state, generation: generation, heardAt: heardAt, exchangedAt: exchangedAt,
            roundTripSeconds: roundTripSeconds, stateSince: stateSince)
        func signed(_ body: RecordBody, _ version: Version?) -> SignedRecord {
            let version = version ?? Version(generation: generation, sequence: 1)
            return SignedRecord(
                record: Record(federation: "test", origin: id, version: version, issuedAt: 0, body: body), token: [])
        }
        identityRecord = identity.map { signed(.identity($0), identityVersion) }
        catalogRecord = catalog.map { signed(.catalog($0), catalogVersion) }
        loadRecord = load.map { signed(.load($0), loadVersion) }
        self.loadHeardAt = loadHeardAt
    }
}
