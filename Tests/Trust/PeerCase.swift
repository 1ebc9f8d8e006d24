import COpenSSL
import Testing

@testable import Trust

/// One row of the certificate table.
struct PeerCase: Sendable, CustomTestStringConvertible {
    let name: String
    /// nil where the peer is accepted as alpha/a1. Reasons are left out.
    let refusal: PeerRefusal?
    /// Seconds after `Workshop.now` that the check is made.
    var later: Int64 = 0
    /// The node of site alpha that was called.
    var expected: String?
    let make: @Sendable (Workshop) throws -> [Certificate]

    var testDescription: String { name }

    init(
        _ name: String, _ refusal: PeerRefusal?, later: Int64 = 0, expected: String? = nil,
        make: @escaping @Sendable (Workshop) throws -> [Certificate]
    ) {
        self.name = name
        self.refusal = refusal
        self.later = later
        self.expected = expected
        self.make = make
    }

    /// A row about one certificate that is right in all but one thing.
    static func leaf(
        _ name: String, _ refusal: PeerRefusal?, change: @escaping @Sendable (inout CertificateBuilder) -> Void
    ) -> PeerCase { PeerCase(name, refusal) { [try $0.leaf(change: change)] } }

    static let all: [PeerCase] = good + times + identities + usages + chains + strengths

    private static let good: [PeerCase] = [
        PeerCase("good", nil) { [try $0.leaf()] },
        PeerCase("good and the one expected", nil, expected: "a1") { [try $0.leaf()] },
        PeerCase("good, with one issuer between", nil) {
            let between = try Workshop.authority("between", below: $0.root)
            return [try $0.leaf(by: between), between.certificate]
        },
        PeerCase("good, with two issuers in the wrong order", nil) {
            let upper = try Workshop.authority("upper", below: $0.root)
            let lower = try Workshop.authority("lower", below: upper)
            return [try $0.leaf(by: lower), upper.certificate, lower.certificate]
        },
        PeerCase("good, with strange certificates beside", nil) {
            [try $0.leaf(), $0.stranger.certificate, $0.root.certificate]
        },
        leaf("good, without other names than the URI", nil) {
            $0.dnsNames = []
            $0.addresses = []
        },
        PeerCase("no certificate", .noCertificate) { _ in [] },
        PeerCase("another node than was called", .unexpectedNode(found: "alpha/a1", expected: "alpha/a2"), expected: "a2") {
            [try $0.leaf()]
        },
    ]

    private static let times: [PeerCase] = [
        PeerCase("a second before its end", nil, later: Workshop.day - 1) { [try $0.leaf()] },
        PeerCase("at its end", .expired(notAfter: Workshop.now + Workshop.day), later: Workshop.day) { [try $0.leaf()] },
        PeerCase("in its first second", nil, later: -Workshop.day) { [try $0.leaf()] },
        PeerCase("a second early", .notYetValid(notBefore: Workshop.now - Workshop.day), later: -Workshop.day - 1) {
            [try $0.leaf()]
        },
        PeerCase("expired issuer", .untrustedChain(reason: "")) {
            let between = try Workshop.authority("between", below: $0.root) { $0.notAfter = Workshop.now - 1 }
            return [try $0.leaf(by: between), between.certificate]
        },
        leaf("expired root", .untrustedChain(reason: "")) { $0.notAfter = Workshop.now + 200 * Workshop.day }.at(
            101 * Workshop.day),
    ]

    private static let identities: [PeerCase] =
        [
            leaf("no URI", .noIdentity) { $0.uris = [] },
            leaf("no names at all", .noIdentity) {
                $0.uris = []
                $0.dnsNames = []
                $0.addresses = []
            },
            leaf("two URIs", .severalIdentities) { $0.uris.append("spiffe://demo/site/alpha/node/a2") },
            leaf("the same URI twice", .severalIdentities) { $0.uris.append(Workshop.uri) },
            leaf("a web address besides", .severalIdentities) { $0.uris.append("https://example.org/") },
            leaf("other federation, our authority", .otherFederation(found: "other", expected: "demo")) {
                $0.uris = ["spiffe://other/site/alpha/node/a1"]
            },
            PeerCase("other federation, its authority", .otherFederation(found: "other", expected: "demo")) {
                [try $0.leaf(by: $0.stranger) { $0.uris = ["spiffe://other/site/alpha/node/a1"] }]
            },
        ]
        + [
            "https://demo/site/alpha/node/a1", "spiffe://demo", "spiffe://demo/site/alpha",
            "spiffe://demo/site/alpha/node/A1",
            "spiffe://demo/site/alpha/node/a1/", "spiffe://demo/site/alpha/node/a1?b", "spiffe://demo/site/alpha/node/a%31",
        ].map { uri in leaf("URI \(uri)", .malformedIdentity(uri: uri)) { $0.uris = [uri] } }
        + [
            leaf("URI with a zero byte", .malformedIdentity(uri: Workshop.uri + "?.evil")) {
                $0.uris = [Workshop.uri + "\u{0}.evil"]
            },
            leaf("URI with a line break", .malformedIdentity(uri: Workshop.uri + "?")) { $0.uris = [Workshop.uri + "\n"] },
        ]

    private static let usages: [PeerCase] = [
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
        PeerCase("an issuer for servers alone", .wrongUsage(reason: "")) {
            let between = try Workshop.authority("between", below: $0.root) { $0.set(NID_ext_key_usage, "serverAuth") }
            return [try $0.leaf(by: between), between.certificate]
        },
        PeerCase("an issuer for mail alone", .wrongUsage(reason: "")) {
            let between = try Workshop.authority("between", below: $0.root) { $0.set(NID_ext_key_usage, "emailProtection") }
            return [try $0.leaf(by: between), between.certificate]
        },
    ]

    private static let chains: [PeerCase] = [
        PeerCase("another authority of the same name", .untrustedChain(reason: "")) { [try $0.leaf(by: $0.stranger)] },
        PeerCase("another authority, shown too", .untrustedChain(reason: "")) {
            [try $0.leaf(by: $0.stranger), $0.stranger.certificate]
        },
        PeerCase("signed by itself", .untrustedChain(reason: "")) { [try $0.selfSigned()] },
        PeerCase("issuer not shown", .untrustedChain(reason: "")) {
            [try $0.leaf(by: try Workshop.authority("between", below: $0.root))]
        },
        PeerCase("signed by another node", .untrustedChain(reason: "")) {
            let node = Workshop.Signer(certificate: try $0.leaf(), key: $0.nodeKey)
            return [try $0.leaf(by: node, key: try PrivateKey.generate()), node.certificate]
        },
        PeerCase("issuer's key swapped", .untrustedChain(reason: "")) {
            [try $0.leaf(by: .init(certificate: $0.root.certificate, key: $0.stranger.key))]
        },
        PeerCase("issuer's path length passed", .untrustedChain(reason: "")) {
            let upper = try Workshop.authority("upper", below: $0.root) {
                $0.set(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
            }
            let lower = try Workshop.authority("lower", below: upper)
            return [try $0.leaf(by: lower), lower.certificate, upper.certificate]
        },
        PeerCase("three issuers between", .untrustedChain(reason: "")) {
            let first = try Workshop.authority("first", below: $0.root)
            let second = try Workshop.authority("second", below: first)
            let third = try Workshop.authority("third", below: second)
            return [try $0.leaf(by: third), third.certificate, second.certificate, first.certificate]
        },
        PeerCase("nine issuers shown", .untrustedChain(reason: "")) {
            [try $0.leaf()] + [Certificate](repeating: $0.stranger.certificate, count: 9)
        },
        PeerCase("forbidden by an issuer's name constraints", .untrustedChain(reason: "")) {
            let between = try Workshop.authority("between", below: $0.root) {
                $0.set(NID_name_constraints, "critical,permitted;URI:other")
            }
            return [try $0.leaf(by: between), between.certificate]
        },
        leaf("an unknown critical extension", .untrustedChain(reason: "")) { $0.set(NID_Domain, "critical,ASN1:NULL") },
        leaf("no authority key identifier", .untrustedChain(reason: "")) { $0.set(NID_authority_key_identifier, nil) },
    ]

    private static let strengths: [PeerCase] = [
        PeerCase("RSA of 1024 bits", .weakKey) { [try $0.leaf(key: try weakKey())] },
        PeerCase("an issuer with RSA of 1024 bits", .weakKey) {
            let between = try Workshop.authority("between", below: $0.root, key: try weakKey())
            return [try $0.leaf(by: between), between.certificate]
        },
        PeerCase("signed with SHA-1", .weakSignature) { [try $0.leaf(digest: "SHA1")] },
        PeerCase("an issuer signed with SHA-1", .weakSignature) {
            let between = try Workshop.authority("between", below: $0.root, digest: "SHA1")
            return [try $0.leaf(by: between), between.certificate]
        },
    ]

    private func at(_ seconds: Int64) -> PeerCase {
        var moved = self
        moved.later = seconds
        return moved
    }
}
