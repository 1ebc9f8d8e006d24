import Gossip
import Synchronization
import Trust

/// What makes a node a registration authority: an issuing certificate and its key, in files that are looked at again when they
/// change, so that another issuer takes over while the node runs.
final class RegistrationAuthority: Sendable {
    private struct Loaded {
        var issuer: Issuer?
        /// Of the two files, when they were read.
        var stamps: [FileStamp?]
    }

    private let files: CertificateConfiguration
    private let federation: String
    private let log: Logger
    private let loaded: Mutex<Loaded>

    /// - Throws: exit 1 and one line naming the file that cannot be used.
    init(_ files: CertificateConfiguration, federation: String, log: Logger) throws(CommandFailure) {
        self.files = files
        self.federation = federation
        self.log = log
        let stamps = FileStamp.of(files)
        do throws(TrustError) {
            let issuer = try Issuer(certificateFile: files.certificateFile, keyFile: files.keyFile)
            guard issuer.federation == federation else {
                throw TrustError(
                    .unusableCertificate,
                    "\(files.certificateFile) issues for the federation \(issuer.federation), not for \(federation)")
            }
            loaded = Mutex(Loaded(issuer: issuer, stamps: stamps))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
    }

    /// The issuer in force. Not inlined: it is asked in async functions that come back from other executors.
    var issuer: Issuer? {
        @inline(never) get { loaded.withLock { $0.issuer } }
    }
    var isReady: Bool { issuer.map { PeerGate.now < $0.certificate.notAfter } ?? false }

    /// Reads the files again if they have changed. While they do not belong together (one was replaced, the other not yet), or
    /// nodes would not trust what they sign, the issuer before goes on.
    func reload(_ gate: PeerGate) {
        let stamps = FileStamp.of(files)
        let before = loaded.withLock { $0 }
        guard stamps != before.stamps else { return }
        do throws(TrustError) {
            let fresh = try Issuer(certificateFile: files.certificateFile, keyFile: files.keyFile)
            guard fresh.federation == federation else {
                throw TrustError(.unusableCertificate, "it is of the federation \(fresh.federation)")
            }
            try Self.prove(fresh, gate)
            loaded.withLock { $0 = Loaded(issuer: fresh, stamps: stamps) }
            log.warning("certificates are issued by \(fresh.certificate.subject) from now on (\(Self.name(fresh)))")
        } catch {
            log.warnSeldom(
                "issuer \(error.message)", "the issuer in \(files.certificateFile) does not take over yet: \(error)")
        }
    }

    /// Issues a certificate for the trial, and verifies it as all nodes will.
    private static func prove(_ issuer: Issuer, _ gate: PeerGate) throws(TrustError) {
        let id = try SPIFFEID(federation: issuer.federation, site: "trial", node: "trial")
        let leaf = try issuer.issue(id: id, publicKey: try PrivateKey.generate().publicKey(), validSeconds: 60)
        do throws(PeerRefusal) {
            _ = try gate.current.verify(leaf: leaf, intermediates: issuer.chain, now: PeerGate.now)
        } catch { throw TrustError(.unusableCertificate, "nodes would refuse what it signs: \(error)") }
    }

    /// The thumbprint of an issuer, short.
    static func name(_ issuer: Issuer) -> String { String(Digest.hex(issuer.certificate.thumbprint).prefix(16)) }
}
