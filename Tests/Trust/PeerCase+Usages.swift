import COpenSSL

@testable import Trust

/// What a certificate says that it may be used for.
extension PeerCase {
    static let usages: [PeerCase] = [
        PeerCase("the authority itself", .notALeaf) { [$0.root.certificate] },
        PeerCase("an issuer that names a node", .notALeaf) {
            [try Workshop.authority("between", below: $0.root) { $0.uris = [Workshop.uri] }.certificate]
        },
        leaf("a leaf that may sign certificates", .notALeaf) {
            $0.set(NID_key_usage, "critical,digitalSignature,keyCertSign")
        },
        leaf("server alone", .wrongUsage(reason: "")) { $0.set(NID_ext_key_usage, "serverAuth") },
        leaf("client alone", .wrongUsage(reason: "")) { $0.set(NID_ext_key_usage, "clientAuth") },
        leaf("for signing code", .wrongUsage(reason: "")) { $0.set(NID_ext_key_usage, "codeSigning") },
        leaf("for anything", .wrongUsage(reason: "")) { $0.set(NID_ext_key_usage, "anyExtendedKeyUsage") },
        leaf("no extended key usage", .wrongUsage(reason: "")) { $0.set(NID_ext_key_usage, nil) },
        leaf("no key usage", .wrongUsage(reason: "")) { $0.set(NID_key_usage, nil) },
        leaf("key usage not critical", .wrongUsage(reason: "")) { $0.set(NID_key_usage, "digitalSignature") },
        leaf("key agreement alone", .wrongUsage(reason: "")) { $0.set(NID_key_usage, "critical,keyAgreement") },
        leaf("may sign revocation lists", .wrongUsage(reason: "")) {
            $0.set(NID_key_usage, "critical,digitalSignature,cRLSign")
        },
        leaf("both ends and mail besides", nil) { $0.set(NID_ext_key_usage, "serverAuth,clientAuth,emailProtection") },
        leaf("key encipherment besides", nil) { $0.set(NID_key_usage, "critical,digitalSignature,keyEncipherment") },
        leaf("no basic constraints", nil) { $0.set(NID_basic_constraints, nil) },
        leaf("basic constraints of an authority", .notALeaf) { $0.set(NID_basic_constraints, "critical,CA:TRUE") },
        leaf("basic constraints of an authority, not critical", .notALeaf) { $0.set(NID_basic_constraints, "CA:TRUE") },
    ]
}
