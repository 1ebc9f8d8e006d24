extension TrustLedger {
    /// Why a certificate, good otherwise, is refused by what the federation's operator said; nil: it is not.
    ///
    /// - Parameter now: seconds since 1970.
    public func refusal(of identity: SPIFFEID, _ certificate: Certificate, now: Int64) -> PeerRefusal? {
        guard identity.federation == federation,
            let revocation = revocation(
                site: identity.site, node: identity.node, notBefore: certificate.notBefore, now: now)
        else { return nil }
        return .revoked(at: Int64(clamping: revocation.revokedAt), reason: revocation.reason)
    }
}

extension Statement {
    /// What a token says, without asking whether it may: for showing and sorting alone.
    ///
    /// - Throws: `.malformed`.
    public init(unverified token: [UInt8]) throws(StatementRefusal) { self = try Self.parse(token).0 }
}
