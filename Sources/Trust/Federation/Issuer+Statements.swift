extension Issuer {
    /// Signs what the federation's operator says.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - previous: serial of the statement on the same subject that this one replaces; 0: there is none.
    /// - Returns: the token, to be taken by the ledgers of all nodes.
    /// - Throws: `.limitExceeded` for what no ledger would take.
    public func sign(
        _ body: Statement.Body, now: Int64 = FederationAuthority.currentSeconds(), previous: UInt64 = 0
    ) throws(TrustError) -> [UInt8] {
        try Statement(
            federation: federation, serial: Statement.serial(now: now, previous: previous), issuedAt: UInt64(max(0, now)),
            signers: chain.map { Base64.encode($0.der) }, body: body
        ).signed(key: key, certificate: certificate)
    }
}

extension Statement {
    /// The serial of a new statement: milliseconds since 1970, and above the one before, whatever the clock says.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - previous: of the statement on the same subject; 0: there is none.
    public static func serial(now: Int64, previous: UInt64) -> UInt64 {
        max(previous == .max ? previous : previous + 1, UInt64(max(0, now)) * 1000)
    }
}

extension FederationAuthority {
    /// The first statement of what nodes trust. Signed by the root; by the issuer where the root's key cannot sign statements, as
    /// the ledger allows.
    static func firstBundle(
        _ federation: String, root: Certificate, key: PrivateKey, issuer: Issuer, now: Int64
    ) throws(TrustError) -> [UInt8] {
        let body = Statement.Body.bundle(BundleStatement(roots: [Base64.encode(root.der)]))
        guard ES256.fits(key.handle) else { return try issuer.sign(body, now: now) }
        return try Statement(
            federation: federation, serial: Statement.serial(now: now, previous: 0), issuedAt: UInt64(max(0, now)),
            signers: [], body: body
        ).signed(key: key, certificate: root)
    }
}
