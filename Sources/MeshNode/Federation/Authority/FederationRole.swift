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
    ///   - mesh: the mesh as this node sees it.
    ///   - meshURL: this node's mesh port, as it is advertised.
    ///   - publish: takes a statement signed here, for all nodes.
    /// - Throws: exit 1 where the issuer or the register cannot be used.
    init(
        _ configuration: NodeConfiguration, ledger: TrustLedger, meshURL: String, thread: StorageThread, log: Logger,
        mesh: @escaping @Sendable () -> MeshView, publish: @escaping @Sendable ([UInt8]) async -> Void,
        note: @escaping FederationNote
    ) throws(CommandFailure) {
        guard let files = configuration.trust.issuer else {
            enrolment = OtherAuthorities(known: { Self.authorities(in: mesh()) }, note: note)
            inviting = nil
            return
        }
        let issuer: Issuer
        do throws(TrustError) {
            let key =
                if let uri = files.keyURI {
                    try PrivateKey.open(storeURI: uri)
                } else { try PrivateKey(pemFile: files.keyFile ?? "") }
            issuer = try Issuer(certificateFile: files.certificateFile, key: key)
        } catch { throw CommandFailure(exitCode: 1, message: "trust.issuer: \(error)") }
        guard issuer.federation == configuration.federation else {
            throw CommandFailure(
                exitCode: 1,
                message: "trust.issuer: \(files.certificateFile) is of the federation \(issuer.federation), this node is of "
                    + configuration.federation)
        }
        let path = configuration.stateDirectory + "/federation.db"
        let store: InviteStore
        do throws(StorageError) {
            let opened = try InviteStore.open(path, thread: thread, now: RegistrationAuthority.now)
            store = opened.store
            if let damaged = opened.damagedFile {
                log.error("\(path) was damaged and is now \(damaged); open invitations have to be made again")
            }
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        let address = HostAndPort(meshURL: meshURL)?.description ?? meshURL
        let authority = RegistrationAuthority(
            issuer: issuer, ledger: ledger, store: store, address: address, mesh: mesh, publish: publish, note: note)
        enrolment = authority
        inviting = authority
        log.info("registration authority of \(issuer.federation): its issuer is valid until \(Lifetime.moment(issuer.certificate.notAfter))")
    }

    /// Where others say that they take joins.
    private static func authorities(in mesh: MeshView) -> [String] {
        mesh.nodes.compactMap { node in
            guard node.identity?.issues == true, node.state == .alive, let url = node.identity?.mesh else { return nil }
            return "\(node.id) at \(HostAndPort(meshURL: url)?.description ?? url)"
        }
    }
}
