extension RootRollover {
    /// The bundle in force with other roots for one site, which has an authority of its own: they are good for its nodes alone, beside
    /// the federation's.
    ///
    /// - Parameters:
    ///   - roots: empty: the site has none any more.
    ///   - key: of the federation's root.
    ///   - present: the bundle in force.
    ///   - serial: of that bundle's statement; 0: there is none.
    /// - Throws: `.alreadyExists` while one root takes over from another; `.unusableCertificate` for what is no authority.
    public func bundle(
        withRoots roots: [Certificate], of site: String, key: PrivateKey, present: BundleStatement?, serial: UInt64,
        now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) -> [UInt8] {
        guard new == nil else {
            throw TrustError(.alreadyExists, "a rollover of the federation's root is under way: finish it first")
        }
        guard old.belongs(to: key) else {
            throw TrustError(.unusableKey, "the key does not belong to the root in \(directory)")
        }
        for root in roots where !root.isAuthority {
            throw TrustError(.unusableCertificate, "\(root.subject) is not the certificate of an authority")
        }
        var body = present ?? BundleStatement(roots: [Base64.encode(old.der)])
        body.siteRoots[site] = roots.isEmpty ? nil : roots.map { Base64.encode($0.der) }
        let token = try sign(.bundle(body), by: old, key, serial: serial, now: now)
        try PublicFile.write(FederationAuthority.bundlePath(directory), token + [UInt8(ascii: "\n")])
        return token
    }
}
