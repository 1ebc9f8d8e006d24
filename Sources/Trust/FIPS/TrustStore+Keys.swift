import COpenSSL

extension TrustStore {
    /// Checks that the keys of a node's path, which holds, are of the kinds that are used. A node signs its records with the key of its
    /// certificate, by ES256 alone.
    func checkKeys(_ chain: OpaquePointer, of leaf: Certificate) throws(PeerRefusal) {
        let own = leaf.publicKey.kind
        guard own == .p256 else { throw .unsuitableKey(reason: "it is \(own), a node's is ECDSA P-256") }
        try checkApproval(chain)
    }

    /// Under FIPS every key of a path must be of an approved kind.
    func checkApproval(_ chain: OpaquePointer) throws(PeerRefusal) {
        guard FIPS.isOn else { return }
        for index in 0..<mesh_X509_count(chain) {
            guard let key = mesh_X509_at(chain, index).flatMap({ X509_get_pubkey($0) }) else { continue }
            let kind = PublicKey(adopting: key).kind
            guard kind.isApproved else { throw .unsuitableKey(reason: "FIPS is required, and one is \(kind)") }
        }
    }
}
