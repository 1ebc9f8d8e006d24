import COpenSSL

@testable import Trust

/// Paths that do not lead to our root, or not as they may.
extension PeerCase {
    static let chains: [PeerCase] = [
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
        leaf("an unknown critical extension", .untrustedChain(reason: "")) { $0.set(NID_Domain, "critical,ASN1:NULL") },
        leaf("no authority key identifier", .untrustedChain(reason: "")) { $0.set(NID_authority_key_identifier, nil) },
        PeerCase("a root of another federation, shown too", .untrustedChain(reason: "")) {
            let other = try Workshop.authority("other mesh authority")
            return [try $0.leaf(by: other), other.certificate]
        },
        PeerCase("our root's key under another name", .untrustedChain(reason: "")) {
            let other = try Workshop.authority("other mesh authority", key: $0.root.key)
            return [try $0.leaf(by: other), other.certificate]
        },
        PeerCase("an issuer of the stranger's", .untrustedChain(reason: "")) {
            let between = try Workshop.authority("between", below: $0.stranger)
            return [try $0.leaf(by: between), between.certificate, $0.stranger.certificate]
        },
        PeerCase("the upper of two issuers not shown", .untrustedChain(reason: "")) {
            let upper = try Workshop.authority("upper", below: $0.root)
            let lower = try Workshop.authority("lower", below: upper)
            return [try $0.leaf(by: lower), lower.certificate]
        },
        PeerCase("two issuers that signed each other", .untrustedChain(reason: "")) {
            let (keyA, keyB) = (try PrivateKey.generate(), try PrivateKey.generate())
            let a = try Workshop.authority("a", key: keyA)
            let b = try Workshop.authority("b", below: a, key: keyB)
            let loop = try Workshop.authority("a", below: b, key: keyA)
            return [try $0.leaf(by: b), b.certificate, loop.certificate]
        },
        PeerCase("eight certificates beside", nil) {
            [try $0.leaf()] + [Certificate](repeating: $0.stranger.certificate, count: 8)
        },
        PeerCase("another node's certificate beside", nil) {
            [try $0.leaf(), try $0.leaf { $0.uris = ["spiffe://demo/site/beta/node/b1"] }]
        },
        PeerCase("the issuer first, then the node", .notALeaf) {
            let between = try Workshop.authority("between", below: $0.root)
            return [between.certificate, try $0.leaf(by: between)]
        },
    ]
}
