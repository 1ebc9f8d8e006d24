import COpenSSL

extension TrustStore {
    /// Whether the keys of a node's path, which holds, are of the kinds that are used: nil if they are. A node signs its records with the
    /// key of its certificate, by ES256 alone.
    func keyFailure(_ context: OpaquePointer, leaf: Certificate) -> PeerRefusal? {
        let own = leaf.publicKey.kind
        guard own == .p256 else { return .unsuitableKey(reason: "it is \(own), a node's is ECDSA P-256") }
        return approvalFailure(context)
    }

    /// Under FIPS every key of a path must be of an approved kind: nil if it is, or FIPS is off.
    func approvalFailure(_ context: OpaquePointer) -> PeerRefusal? {
        guard FIPS.isOn, let chain = X509_STORE_CTX_get0_chain(context) else { return nil }
        for index in 0..<mesh_X509_count(chain) {
            guard let key = mesh_X509_at(chain, index).flatMap({ X509_get_pubkey($0) }) else { continue }
            let kind = PublicKey(adopting: key).kind
            if !kind.isApproved { return .unsuitableKey(reason: "FIPS is required, and one is \(kind)") }
        }
        return nil
    }
}
