import CLinux
import Gossip
import Routing
import Transport
import Trust

/// What this node proves itself with to others, and how it checks them.
struct MeshCredentials: Sendable {
    let federation: String
    let certificate: Certificate
    /// Between the certificate and the root.
    let issuers: [Certificate]
    let key: PrivateKey
    let verifier: PeerVerifier
    /// For links that this node dials, and for those it takes.
    let clientTLS: TLSSource
    let serverTLS: TLSSource

    /// Application protocol between nodes.
    static let applicationProtocol = "meshnode/1"

    /// - Throws: exit 1 and one line naming the file and what is wrong with it.
    init(_ configuration: NodeConfiguration) throws(CommandFailure) {
        let files = configuration.trust
        federation = configuration.federation
        do throws(TrustError) {
            let chain = try Certificate.load(pemFile: files.certificateFile)
            certificate = chain[0]
            issuers = Array(chain.dropFirst())
            key = try PrivateKey(pemFile: files.keyFile)
            verifier = PeerVerifier(federation: configuration.federation, roots: try Certificate.load(pemFile: files.caFile))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        let me = NodeID(site: configuration.site, node: configuration.node)
        do throws(PeerRefusal) {
            _ = try verifier.verify(
                leaf: certificate, intermediates: issuers, now: Self.now, expected: (site: me.site, node: me.node))
        } catch {
            throw CommandFailure(exitCode: 1, message: "certificate \(files.certificateFile) cannot be used: \(error)")
        }
        do throws(TransportError) {
            clientTLS = TLSSource(try Self.context(.client, files, verifier))
            serverTLS = TLSSource(try Self.context(.server, files, verifier))
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
    }

    private static var now: Int64 { Int64(mesh_realtime_ns() / 1_000_000_000) }

    private static func context(
        _ role: TLSContext.Role, _ files: TrustConfiguration, _ verifier: PeerVerifier
    ) throws(TransportError) -> TLSContext {
        var settings = TLSContext.Settings(
            role: role,
            verification: .custom { shown in
                let leaf = try Certificate(der: shown.leaf)
                let intermediates = try shown.intermediates.map { try Certificate(der: $0) }
                let identity = try verifier.verify(leaf: leaf, intermediates: intermediates, now: now)
                return NodeID(site: identity.site, node: identity.node)
            })
        settings.certificateFile = files.certificateFile
        settings.keyFile = files.keyFile
        settings.applicationProtocols = [applicationProtocol]
        if role == .server {
            // Who is no node yet asks to become one by a protocol of its own.
            settings.applicationProtocols.append(EnrolmentRoutes.applicationProtocol)
            settings.openProtocols = [EnrolmentRoutes.applicationProtocol]
        }
        settings.onlyNewest = true
        return try TLSContext(settings)
    }
}
