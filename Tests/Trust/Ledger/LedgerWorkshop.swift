import COpenSSL

@testable import Trust

/// A federation's operator in tests: roots and issuers that sign statements.
struct LedgerWorkshop {
    static let federation = "demo"
    static let now = Workshop.now

    let root: Workshop.Signer
    let issuer: Workshop.Signer
    let ledger: TrustLedger

    init() throws {
        root = try Self.root("demo root")
        issuer = try Self.issuer(below: root)
        ledger = TrustLedger(federation: Self.federation, roots: [root.certificate])
    }

    static func root(_ name: String) throws -> Workshop.Signer {
        try Workshop.authority(name) { $0.uris = ["spiffe://demo"] }
    }

    static func issuer(below root: Workshop.Signer, uri: String = "spiffe://demo") throws -> Workshop.Signer {
        try Workshop.authority("demo issuer", below: root) {
            $0.uris = [uri]
            $0.set(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
        }
    }

    /// A statement signed by `signer`: as a root without issuers, otherwise as an issuing certificate.
    static func token(
        _ body: Statement.Body, serial: UInt64 = 1, by signer: Workshop.Signer, asRoot: Bool = false,
        federation: String = LedgerWorkshop.federation, issuedAt: Int64 = LedgerWorkshop.now
    ) throws -> [UInt8] {
        try Statement(
            federation: federation, serial: serial, issuedAt: UInt64(issuedAt),
            signers: asRoot ? [] : [Base64.encode(signer.certificate.der)], body: body
        ).signed(key: signer.key, certificate: signer.certificate)
    }

    static func revocation(_ site: String, _ node: String? = nil, at time: Int64 = now) -> Statement.Body {
        .revocation(
            Revocation(
                site: site, node: node, revokedAt: UInt64(time), expires: UInt64(time + 7 * Workshop.day), reason: "lost"))
    }

    static func admission(_ site: String, _ domains: [String] = ["anl.gov"]) -> Statement.Body {
        .admission(Admission(site: site, domains: domains, nodes: 1))
    }

    static func bundle(_ roots: [Workshop.Signer]) -> Statement.Body {
        .bundle(BundleStatement(roots: roots.map { Base64.encode($0.certificate.der) }))
    }
}
