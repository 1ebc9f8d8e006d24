extension TrustLedger {
    /// Whether who signed it may say this.
    static func check(
        _ statement: Statement, _ parsed: JWS.Parsed, _ bundle: TrustBundle, now: Int64
    ) throws(StatementRefusal) {
        guard let signer = statement.signer(under: bundle, keyID: parsed.keyID, now: now) else { throw .notAuthorised }
        do throws(TrustError) {
            try JWS.verify(parsed, certificate: signer)
        } catch { throw .badSignature }
    }
}

extension Statement {
    /// The certificate whose key signed it, if that may say this under `bundle`.
    ///
    /// - Parameter keyID: what the token names.
    func signer(under bundle: TrustBundle, keyID: String?, now: Int64) -> Certificate? {
        guard let first = signers.first else {
            return bundle.roots.first { $0.notAfter >= now && Digest.hex($0.thumbprint) == keyID }
        }
        // Whoever holds an issuing key must not be able to change whom all trust; where no root can sign statements there
        // is no other way.
        if case .bundle = body, bundle.roots.contains(where: \.signsStatements) { return nil }
        guard let issuer = Self.certificate(first), Digest.hex(issuer.thumbprint) == keyID,
            issuer.isIssuer(of: federation)
        else { return nil }
        let others = signers.dropFirst().compactMap(Self.certificate)
        return TrustStore(bundle.roots).issuerFailure(issuer, intermediates: others, now: now) == nil ? issuer : nil
    }

    private static func certificate(_ encoded: String) -> Certificate? {
        (try? Base64.decode(encoded)).flatMap { try? Certificate(der: $0) }
    }
}

extension Certificate {
    /// Whether it issues for a whole federation: an authority whose one URI is the federation's (X509-SVID §4.1).
    func isIssuer(of federation: String) -> Bool {
        let uris = uriNames
        return isAuthority && uris.count == 1 && uris[0] == Array("spiffe://\(federation)".utf8)
    }

    /// Whether its key can sign statements, which are ES256.
    var signsStatements: Bool { ES256.fits(publicKey.handle) }
}
