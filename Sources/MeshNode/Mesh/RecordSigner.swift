import FoundationEssentials
import Gossip
import Routing
import Synchronization
import Trust

/// Signs our records and opens others': JWS ES256 over JSON, by the key of the node that a record is about.
final class RecordSigner: RecordAuthority, Sendable {
    private struct Checked {
        let certificate: Certificate
        /// Of the gate, when it was checked.
        let round: UInt64
    }

    private let trust: MeshTrust
    private let signing = Mutex<IdentityKey?>(nil)
    /// Certificates that were checked, by what their identity record holds: a node's catalog and load come many times.
    private let checked = Mutex<[String: Checked]>([:])

    /// `typ` of a record's header.
    private static let type = "meshnode-record+jws"
    private static let keptCertificates = 8192

    init(_ trust: MeshTrust) { self.trust = trust }

    func sign(_ record: Record) throws(SigningFailure) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let payload = Array(try encoder.encode(record))
            let signer = signer(of: record)
            return try JWS.sign(payload: payload, type: Self.type, key: signer.key, keyID: signer.keyID)
        } catch { throw SigningFailure("\(error)") }
    }

    /// The key of the certificate in the identity that was signed last: others check all records with that one. A renewed key signs
    /// from the identity on that brings its certificate.
    private func signer(of record: Record) -> IdentityKey {
        let current = trust.current
        return signing.withLock { signing in
            if case .identity(let identity) = record.body, identity.certificate == Base64.encode(current.certificate.der) {
                signing = IdentityKey(key: current.key, certificate: current.certificate)
            }
            return signing ?? IdentityKey(key: current.key, certificate: current.certificate)
        }
    }

    func open(_ token: [UInt8], identity: Identity?) throws(RecordRefusal) -> Record {
        let parsed: JWS.Parsed
        let record: Record
        do {
            parsed = try JWS.parse(token, maxBytes: WireLimits.tokenBytes)
            guard parsed.type == Self.type else { throw RecordRefusal.malformed }
            record = try JSONDecoder().decode(Record.self, from: Data(parsed.payload))
        } catch { throw .malformed }
        guard record.federation == trust.federation else { throw .foreignFederation }
        let shown: Identity
        if case .identity(let own) = record.body {
            shown = own
        } else {
            guard let identity else { throw .unknownOrigin }
            shown = identity
        }
        let certificate = try certificate(shown, of: record.origin)
        guard parsed.keyID == Digest.hex(certificate.thumbprint) else {
            // A renewed key signs from its identity on: without that the record may be as good as any.
            throw record.body.kind == .identity ? .wrongOrigin : .unknownOrigin
        }
        do {
            try JWS.verify(parsed, certificate: certificate)
        } catch { throw .badSignature }
        return record
    }

    /// The certificate that an origin shows, checked as a peer's is: chain, federation, name, revocation.
    private func certificate(_ identity: Identity, of origin: NodeID) throws(RecordRefusal) -> Certificate {
        let gate = trust.gate
        let round = gate.round
        let issuers = identity.issuers ?? []
        let key = "\(origin) \(identity.certificate) \(issuers.joined(separator: " "))"
        if let known = checked.withLock({ $0[key] }), known.round == round, PeerGate.now < known.certificate.notAfter {
            return known.certificate
        }
        let certificate = try gate.certificate(identity.certificate, issuers: issuers, of: origin)
        checked.withLock {
            if $0.count >= Self.keptCertificates { $0.removeAll() }
            $0[key] = Checked(certificate: certificate, round: round)
        }
        return certificate
    }
}
