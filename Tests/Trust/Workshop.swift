import COpenSSL

@testable import Trust

/// Authorities and nodes of tests, some of them odd.
struct Workshop: Sendable {
    struct Signer: Sendable {
        let certificate: Certificate
        let key: PrivateKey
    }

    static let now: Int64 = 1_800_000_000
    static let day: Int64 = 86_400
    static let uri = "spiffe://demo/site/alpha/node/a1"
    static let shared = Result { try Workshop() }

    /// The federation's authority, with room for issuers below it.
    let root: Signer
    /// Another authority of exactly the same name.
    let stranger: Signer
    /// The own root of site gamma, and that of the linked federation `friends`.
    let siteRoot: Signer
    let friend: Signer
    let nodeKey: PrivateKey

    init() throws {
        root = try Self.authority("demo mesh authority")
        stranger = try Self.authority("demo mesh authority")
        siteRoot = try Self.authority("gamma authority")
        friend = try Self.authority("friends mesh authority")
        nodeKey = try PrivateKey.generate()
    }

    /// The verifier of a node of ours, to which the federation's operator has said a few things.
    func verifier() throws -> PeerVerifier {
        let ledger = TrustLedger(federation: "demo", roots: [root.certificate])
        let issuer = try LedgerWorkshop.issuer(below: root)
        let revocations = [LedgerWorkshop.revocation("alpha", "lost"), LedgerWorkshop.revocation("gone")]
        for (index, body) in revocations.enumerated() {
            let token = try LedgerWorkshop.token(body, serial: UInt64(index + 1), by: issuer)
            guard try ledger.take(token, now: Self.now) != nil else {
                throw TrustError(.malformedToken, "the ledger did not take a revocation")
            }
        }
        return PeerVerifier(
            federation: "demo",
            bundle: TrustBundle(
                serial: 1, roots: [root.certificate], siteRoots: ["gamma": [siteRoot.certificate]]),
            linked: ["friends": TrustBundle(serial: 1, roots: [friend.certificate])]
        ) { ledger.refusal(of: $0, $1, now: Self.now) }
    }

    /// An authority: a root, or below `issuer`.
    static func authority(
        _ name: String, below issuer: Signer? = nil, key: PrivateKey? = nil, digest: String = "SHA256",
        change: (inout CertificateBuilder) -> Void = { _ in }
    ) throws -> Signer {
        let key = try key ?? PrivateKey.generate()
        var builder = CertificateBuilder.authority(name, from: now - 100 * day, until: now + 100 * day, pathLength: 3)
        if issuer != nil { builder.extensions.append((NID_authority_key_identifier, "keyid")) }
        change(&builder)
        let certificate = try builder.sign(
            key: key, issuer: issuer?.certificate, signer: issuer?.key ?? key, digest: digest)
        return Signer(certificate: certificate, key: key)
    }

    /// A node's certificate, right in all but what `change` does to it.
    func leaf(
        by issuer: Signer? = nil, key: PrivateKey? = nil, digest: String = "SHA256",
        change: (inout CertificateBuilder) -> Void = { _ in }
    ) throws -> Certificate {
        var builder = CertificateBuilder.leaf("alpha/a1", from: Self.now - Self.day, until: Self.now + Self.day)
        builder.uris = [Self.uri]
        builder.dnsNames = ["localhost"]
        builder.addresses = ["127.0.0.1"]
        change(&builder)
        let issuer = issuer ?? root
        return try builder.sign(key: key ?? nodeKey, issuer: issuer.certificate, signer: issuer.key, digest: digest)
    }

    func selfSigned() throws -> Certificate {
        var builder = CertificateBuilder.leaf("alpha/a1", from: Self.now - Self.day, until: Self.now + Self.day)
        builder.uris = [Self.uri]
        return try builder.sign(key: nodeKey, issuer: nil, signer: nodeKey)
    }
}

extension CertificateBuilder {
    /// Puts other words in an extension's place, or takes it out.
    mutating func set(_ identifier: Int32, _ value: String?) {
        extensions.removeAll { $0.identifier == identifier }
        if let value { extensions.append((identifier, value)) }
    }
}

/// A key too short to be trusted.
func weakKey() throws -> PrivateKey { try rsaKey(1024) }

func rsaKey(_ bits: UInt32) throws -> PrivateKey {
    guard let made = mesh_EVP_RSA_gen(bits) else { throw TrustError(.library, "no RSA key of \(bits) bits") }
    return PrivateKey(adopting: made)
}

func key(onCurve name: String) throws -> PrivateKey {
    guard let made = mesh_EVP_EC_gen(name) else { throw TrustError(.library, "no key on \(name)") }
    return PrivateKey(adopting: made)
}

func edwardsKey() throws -> PrivateKey {
    guard let context = EVP_PKEY_CTX_new_from_name(nil, "ED25519", nil) else { throw TrustError(.library, "no Ed25519") }
    defer { EVP_PKEY_CTX_free(context) }
    var made: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_generate(context, &made) == 1, let made else {
        throw TrustError(.library, "no Ed25519 key")
    }
    return PrivateKey(adopting: made)
}
