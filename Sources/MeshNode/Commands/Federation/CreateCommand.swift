import Trust

/// `meshnode federation create NAME`: founds a federation.
enum CreateCommand {
    private struct Report: Encodable {
        var federation: String
        var directory: String
        var root: String
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let name = invocation.positional(CommandSpecification.federationName) ?? ""
        let directory = JoinFolder(invocation.text(.foundingDirectory) ?? name).path
        let authority: FederationAuthority
        do throws(TrustError) {
            switch (invocation.text(.requestOut), invocation.text(.certificateIn)) {
            case (let file?, nil): return try request(name, directory, file)
            case (nil, let file?): authority = try complete(name, directory, file, invocation)
            case (nil, nil):
                authority = try FederationAuthority.create(
                    federation: name, directory: directory, root: try root(invocation),
                    validDays: invocation.integer(.validDays) ?? FederationAuthority.validDays)
            case (.some, .some):
                throw TrustError(.malformedName, "--csr-out comes first, --cert-in when the request was signed")
            }
        } catch { throw CommandFailure(exitCode: error.code == .malformedName ? 2 : 1, message: error.message) }
        say(authority, directory, invocation)
        guard let site = invocation.text(.firstSite) else {
            if invocation.flag(.json) {
                Output.write(
                    try encode(
                        Report(federation: name, directory: directory, root: Digest.hex(authority.root.thumbprint))))
            }
            return
        }
        try FirstNode(authority: authority, directory: directory, site: site).setUp(invocation)
    }

    private static func say(_ authority: FederationAuthority, _ directory: String, _ invocation: Invocation) {
        Output.note(
            "federation \(authority.federation) in \(directory); root \(Digest.hex(authority.root.thumbprint)) (SHA-256), until "
                + Lifetime.moment(authority.root.notAfter))
        if invocation.text(.keyURI) == nil, invocation.text(.caCertificate) == nil {
            Output.note(
                "put root.key away, off this machine: it is needed when the root or the issuer is replaced, and else never")
        }
    }

    /// Where the root comes from.
    private static func root(_ invocation: Invocation) throws(TrustError) -> FederationAuthority.Root {
        let held: PrivateKey?
        if let uri = invocation.text(.keyURI) {
            held = try PrivateKey.open(storeURI: uri, pin: try PassphraseSource.given(invocation))
        } else if let file = invocation.text(.caKey) {
            held = try PrivateKey.load(pemFile: file, anyKind: true) { () throws(TrustError) in
                try PassphraseSource.existing(invocation, of: file)
            }
        } else {
            held = nil
        }
        if let file = invocation.text(.caCertificate) {
            guard let held else {
                throw TrustError(.malformedName, "--ca-cert needs --ca-key FILE or --key-uri URI, or --cert-in")
            }
            return .existing(try Certificate(pemFile: file), held)
        }
        guard invocation.text(.caKey) == nil else {
            throw TrustError(.malformedName, "--ca-key needs --ca-cert, the certificate that it belongs to")
        }
        if let held { return .held(held) }
        return .made(passphrase: try PassphraseSource.new(invocation))
    }

    // MARK: Signed by hand

    private static func request(_ name: String, _ directory: String, _ file: String) throws(TrustError) {
        let request = try FederationAuthority.request(federation: name, directory: directory)
        if file == "-" {
            Output.write(String(decoding: request.pem, as: UTF8.self))
        } else {
            try PublicFile.write(file, request.pem)
        }
        Output.note(
            "have \(file) signed as an authority with path length 0, its names kept (openssl x509 -req -copy_extensions "
                + "copyall, or step-ca); then: meshnode federation create \(name) --cert-in FILE --ca-cert ROOT")
    }

    private static func complete(
        _ name: String, _ directory: String, _ file: String, _ invocation: Invocation
    ) throws(TrustError) -> FederationAuthority {
        guard let rootFile = invocation.text(.caCertificate) else {
            throw TrustError(.malformedName, "--cert-in needs --ca-cert, the root that signed it")
        }
        return try FederationAuthority.complete(
            federation: name, directory: directory, chain: try Certificate.load(pemFile: file),
            root: try Certificate(pemFile: rootFile))
    }
}
