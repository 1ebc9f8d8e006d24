import CLinux
import FoundationEssentials
import Gossip
import Synchronization
import Trust

/// Signs our records and opens others': JWS ES256 over JSON, by the key of the node that a record is about.
final class RecordSigner: RecordAuthority, Sendable {
    private let credentials: MeshCredentials
    private let keyID: String
    /// Certificates that were checked, by the base64 of their identity record: a node's catalog and load come many times.
    private let checked = Mutex<[String: Certificate]>([:])

    /// `typ` of a record's header.
    private static let type = "meshnode-record+jws"
    private static let keptCertificates = 8192

    init(_ credentials: MeshCredentials) {
        self.credentials = credentials
        keyID = Digest.hex(credentials.certificate.thumbprint)
    }

    func sign(_ record: Record) throws(SigningFailure) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let payload = Array(try encoder.encode(record))
            return try JWS.sign(payload: payload, type: Self.type, key: credentials.key, keyID: keyID)
        } catch { throw SigningFailure("\(error)") }
    }

    func open(_ token: [UInt8], identity: Identity?) throws(RecordRefusal) -> Record {
        let parsed: JWS.Parsed
        let record: Record
        do {
            parsed = try JWS.parse(token, maxBytes: WireLimits.tokenBytes)
            guard parsed.type == Self.type else { throw RecordRefusal.malformed }
            record = try JSONDecoder().decode(Record.self, from: Data(parsed.payload))
        } catch { throw .malformed }
        guard record.federation == credentials.federation else { throw .foreignFederation }
        let shown: Identity
        if case .identity(let own) = record.body {
            shown = own
        } else {
            guard let identity else { throw .unknownOrigin }
            shown = identity
        }
        let certificate = try certificate(shown.certificate, issuers: shown.issuers ?? [], of: record.origin)
        guard parsed.keyID == Digest.hex(certificate.thumbprint) else { throw .wrongOrigin }
        do {
            try JWS.verify(parsed, certificate: certificate)
        } catch { throw .badSignature }
        return record
    }

    /// The certificate that an origin shows, checked as a peer's is: chain, federation, name.
    func certificate(
        _ encoded: String, issuers: [String], of origin: NodeID
    ) throws(RecordRefusal) -> Certificate {
        let now = Int64(mesh_realtime_ns() / 1_000_000_000)
        let key = "\(origin) \(encoded)"
        if let known = checked.withLock({ $0[key] }), now <= known.notAfter { return known }
        guard let der = try? Base64.decode(encoded), let certificate = try? Certificate(der: der) else { throw .malformed }
        let between = issuers.prefix(Identity.issuersAllowed).compactMap { text in
            (try? Base64.decode(text)).flatMap { try? Certificate(der: $0) }
        }
        do throws(PeerRefusal) {
            _ = try credentials.verifier.verify(
                leaf: certificate, intermediates: between, now: now, expected: (site: origin.site, node: origin.node))
        } catch {
            if case .expired = error { throw .expired }
            throw .wrongOrigin
        }
        checked.withLock {
            if $0.count >= Self.keptCertificates { $0.removeAll() }
            $0[key] = certificate
        }
        return certificate
    }
}
