import Gossip
import Routing
import Synchronization
import Transport
import Trust

/// What this node proves itself with to others, and how it checks them: one snapshot, swapped as one when the certificate is
/// renewed; what asks for it asks each time.
final class MeshTrust: Sendable {
    let me: NodeID
    let gate: PeerGate
    /// For links that this node dials, and for those it takes.
    let clientTLS: TLSSource
    let serverTLS: TLSSource
    let files: IdentityFiles
    private let caFile: String
    private let held: Mutex<Held>

    private struct Held {
        var identity: IdentityFiles.Identity
        /// The key in force and those before it, the newest first: links that were made under one of them go on.
        var keys: [IdentityKey]
    }

    /// Keys kept.
    private static let keysKept = 4

    /// Application protocol between nodes.
    static let applicationProtocol = "meshnode/1"

    /// - Parameters:
    ///   - ledger: filled with what was known before.
    ///   - admits: throws where this node's operator has blocked a peer that is otherwise trusted.
    /// - Throws: exit 1 and one line naming the file and what is wrong with it.
    init(
        _ configuration: NodeConfiguration, ledger: TrustLedger,
        admits: @escaping @Sendable (NodeID) throws -> Void = { _ in }
    ) throws(CommandFailure) {
        let gate = PeerGate(ledger, admits: admits)
        self.gate = gate
        me = NodeID(site: configuration.site, node: configuration.node)
        caFile = configuration.trust.caFile
        files = IdentityFiles(
            certificateFile: configuration.trust.certificateFile, keyFile: configuration.trust.keyFile)
        let identity: IdentityFiles.Identity
        do throws(TrustError) {
            identity = try files.load()
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        let key = IdentityKey(key: identity.key, certificate: identity.certificate)
        held = Mutex(Held(identity: identity, keys: [key]))
        do throws(PeerRefusal) {
            _ = try Self.check(identity, me, gate.current)
        } catch {
            // A node that was revoked starts all the same, to say so where its operators look.
            guard case .revoked = error else {
                throw CommandFailure(exitCode: 1, message: "certificate \(files.certificateFile) cannot be used: \(error)")
            }
        }
        do throws(TransportError) {
            clientTLS = TLSSource(try Self.context(.client, files, gate, key.keyID))
            serverTLS = TLSSource(try Self.context(.server, files, gate, key.keyID))
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
    }

    var federation: String { gate.federation }
    var ledger: TrustLedger { gate.ledger }
    /// What is shown to others now. Not inlined: it is asked in async functions that come back from other executors.
    var current: IdentityFiles.Identity {
        @inline(never) get { held.withLock { $0.identity } }
    }

    /// The key that a link was made with, by the name of its TLS context: whoever is at its other end has seen that key's
    /// certificate. The key in force where it is none of those.
    @inline(never)
    func key(of link: String) -> IdentityKey {
        held.withLock { held in held.keys.first { $0.keyID == link } ?? held.keys[0] }
    }

    /// Why our own certificate is refused by others; nil: it is not.
    var ownRefusal: PeerRefusal? {
        do throws(PeerRefusal) {
            _ = try Self.check(current, me, gate.current)
            return nil
        } catch { return error }
    }

    /// The root that our own certificate rests on.
    var ownRoot: [UInt8]? { try? Self.check(current, me, gate.current).root }

    /// Puts a renewed certificate and its key (the staged one's) in force: on disk first, then for all new connections. Those
    /// that exist go on under the old one, and take no new request.
    func adopt(_ identity: IdentityFiles.Identity) throws(TrustError) {
        do throws(PeerRefusal) {
            _ = try Self.check(identity, me, gate.current)
        } catch {
            throw TrustError(.unusableCertificate, "the certificate that was issued cannot be used: \(error)")
        }
        try files.commit(identity)
        let key = IdentityKey(key: identity.key, certificate: identity.certificate)
        held.withLock { $0 = Held(identity: identity, keys: [key] + $0.keys.prefix(Self.keysKept - 1)) }
        try swapContexts()
    }

    /// The ledger has changed. Where the roots have, links are made anew, and the file of roots is written.
    ///
    /// - Throws: what could not be written; the new roots are in force all the same.
    func refresh(bundleChanged: Bool) throws(TrustError) {
        gate.refresh()
        guard bundleChanged else { return }
        try swapContexts()
        try PublicFile.write(caFile, ledger.bundle.roots.flatMap(\.pem))
    }

    private func swapContexts() throws(TrustError) {
        let keyID = key(of: "").keyID
        do throws(TransportError) {
            let client = try Self.context(.client, files, gate, keyID)
            let server = try Self.context(.server, files, gate, keyID)
            clientTLS.replace(with: client)
            serverTLS.replace(with: server)
        } catch { throw TrustError(.unusableCertificate, error.message) }
    }

    private static func check(
        _ identity: IdentityFiles.Identity, _ me: NodeID, _ verifier: PeerVerifier
    ) throws(PeerRefusal) -> PeerVerifier.Proof {
        try verifier.prove(
            leaf: identity.certificate, intermediates: identity.issuers, now: PeerGate.now,
            expected: (site: me.site, node: me.node))
    }

    private static func context(
        _ role: TLSContext.Role, _ files: IdentityFiles, _ gate: PeerGate, _ keyID: String
    ) throws(TransportError) -> TLSContext {
        var settings = TLSContext.Settings(
            role: role, verification: .custom { try gate.admit($0, isDialled: role == .client) })
        settings.name = keyID
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
