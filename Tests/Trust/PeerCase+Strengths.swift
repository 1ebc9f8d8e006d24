@testable import Trust

/// Keys and signatures: too weak, or of another kind than is used here.
extension PeerCase {
    static let strengths: [PeerCase] = [
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
        PeerCase("on P-192", .weakKey) { [try $0.leaf(key: try key(onCurve: "P-192"))] },
        PeerCase("on P-224", .unsuitableKey(reason: "")) { [try $0.leaf(key: try key(onCurve: "P-224"))] },
        PeerCase("on P-384", .unsuitableKey(reason: "")) { [try $0.leaf(key: try key(onCurve: "P-384"))] },
        PeerCase("on secp256k1", .unsuitableKey(reason: "")) { [try $0.leaf(key: try key(onCurve: "secp256k1"))] },
        PeerCase("RSA of 2048 bits", .unsuitableKey(reason: "")) { [try $0.leaf(key: try rsaKey(2048))] },
        PeerCase("Ed25519", .unsuitableKey(reason: "")) { [try $0.leaf(key: try edwardsKey())] },
        PeerCase("an issuer with RSA of 2048 bits", nil) {
            let between = try Workshop.authority("between", below: $0.root, key: try rsaKey(2048))
            return [try $0.leaf(by: between), between.certificate]
        },
        PeerCase("an issuer on P-384", nil) {
            let between = try Workshop.authority("between", below: $0.root, key: try key(onCurve: "P-384"))
            return [try $0.leaf(by: between, digest: "SHA384"), between.certificate]
        },
        PeerCase("an issuer on P-192", .weakKey) {
            let between = try Workshop.authority("between", below: $0.root, key: try key(onCurve: "P-192"))
            return [try $0.leaf(by: between), between.certificate]
        },
        PeerCase("signed with MD5", .weakSignature) {
            let between = try Workshop.authority("between", below: $0.root, key: try rsaKey(2048))
            return [try $0.leaf(by: between, digest: "MD5"), between.certificate]
        },
        PeerCase("an issuer signed with MD5", .weakSignature) {
            let upper = try Workshop.authority("upper", below: $0.root, key: try rsaKey(2048))
            let lower = try Workshop.authority("lower", below: upper, digest: "MD5")
            return [try $0.leaf(by: lower), lower.certificate, upper.certificate]
        },
        PeerCase("signed with SHA-512", nil) { [try $0.leaf(digest: "SHA512")] },
    ]
}
