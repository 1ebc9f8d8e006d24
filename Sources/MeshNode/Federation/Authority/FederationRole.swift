import API
import CLinux
import Gossip
import Routing
import Storage
import Transport
import Trust

/// What a node is to those who want to join: a registration authority, or one that knows who is.
struct FederationRole: Sendable {
    let enrolment: any Enrolment
    /// nil: no registration authority.
    let inviting: (any Inviting)?

    /// - Parameters:
    ///   - issuer: what makes the node a registration authority; nil: it is none.
    ///   - mesh: the mesh as this node sees it.
    ///   - meshURL: this node's mesh port, as it is advertised.
    ///   - publish: takes a statement signed here, for all nodes.
    /// - Throws: exit 1 where the register of invitations cannot be used.
    init(
        _ configuration: NodeConfiguration, issuer: RegistrationAuthority?, ledger: TrustLedger, meshURL: String,
        thread: StorageThread, log: Logger,
        mesh: @escaping @Sendable () -> MeshView, publish: @escaping @Sendable ([UInt8]) async -> Void,
        note: @escaping FederationNote
    ) throws(CommandFailure) {
        guard let issuer else {
            enrolment = OtherAuthorities(known: { Self.authorities(in: mesh()) }, note: note)
            inviting = nil
            return
        }
        let path = configuration.stateDirectory + "/federation.db"
        let store: InviteStore
        do throws(StorageError) {
            let opened = try InviteStore.open(path, thread: thread, now: PeerGate.now)
            store = opened.store
            if let damaged = opened.damagedFile {
                log.error("\(path) was damaged and is now \(damaged); open invitations have to be made again")
            }
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        let address = HostAndPort(meshURL: meshURL)?.description ?? meshURL
        let authority = Registrar(
            me: NodeID(site: configuration.site, node: configuration.node), authority: issuer, ledger: ledger, store: store,
            address: address, mesh: mesh, publish: publish, note: note)
        enrolment = authority
        inviting = authority
        if let certificate = issuer.issuer?.certificate {
            log.info("registration authority: its issuer is valid until \(Lifetime.moment(certificate.notAfter))")
        }
    }

    /// Where others say that they take joins.
    private static func authorities(in mesh: MeshView) -> [String] {
        mesh.nodes.compactMap { node in
            guard node.identity?.issues == true, node.state == .alive, let url = node.identity?.mesh else { return nil }
            return "\(node.id) at \(HostAndPort(meshURL: url)?.description ?? url)"
        }
    }
}
