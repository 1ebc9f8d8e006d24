import COpenSSL

@testable import Trust

/// What an issuer between node and root says of itself.
extension PeerCase {
    static let issuers: [PeerCase] = [
        PeerCase("an issuer for servers alone", .wrongUsage(reason: "")) {
            let between = try Workshop.authority("between", below: $0.root) { $0.set(NID_ext_key_usage, "serverAuth") }
            return [try $0.leaf(by: between), between.certificate]
        },
        PeerCase("an issuer for mail alone", .wrongUsage(reason: "")) {
            let between = try Workshop.authority("between", below: $0.root) { $0.set(NID_ext_key_usage, "emailProtection") }
            return [try $0.leaf(by: between), between.certificate]
        },
        below("that may not sign certificates", .untrustedChain(reason: "")) {
            $0.set(NID_key_usage, "critical,cRLSign,digitalSignature")
        },
        below("without key usage", .untrustedChain(reason: "")) { $0.set(NID_key_usage, nil) },
        below("without basic constraints", .untrustedChain(reason: "")) { $0.set(NID_basic_constraints, nil) },
        below("that is no authority", .untrustedChain(reason: "")) { $0.set(NID_basic_constraints, "critical,CA:FALSE") },
        below("whose basic constraints are not critical", .untrustedChain(reason: "")) {
            $0.set(NID_basic_constraints, "CA:TRUE,pathlen:0")
        },
        PeerCase("an issuer without key identifier", .untrustedChain(reason: "")) {
            let between = try Workshop.authority("between", below: $0.root) { $0.set(NID_subject_key_identifier, nil) }
            let leaf = try $0.leaf(by: between) { $0.set(NID_authority_key_identifier, "issuer:always") }
            return [leaf, between.certificate]
        },
        below("with an unknown critical extension", .untrustedChain(reason: "")) {
            $0.set(NID_Domain, "critical,ASN1:NULL")
        },
        below("for both ends of TLS", nil) { $0.set(NID_ext_key_usage, "serverAuth,clientAuth") },
    ]

    /// A row about a leaf that is right, by an issuer below the root that is right in all but one thing.
    private static func below(
        _ name: String, _ refusal: PeerRefusal?, change: @escaping @Sendable (inout CertificateBuilder) -> Void
    ) -> PeerCase {
        PeerCase("an issuer \(name)", refusal) {
            let between = try Workshop.authority("between", below: $0.root, change: change)
            return [try $0.leaf(by: between), between.certificate]
        }
    }
}
