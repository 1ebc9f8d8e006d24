import Trust

/// `meshnode federation sign`: certifies a node by hand, where the federation's issuer is kept.
enum SignCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let file = invocation.positional(CommandSpecification.request) ?? ""
        let site = invocation.text(.signedSite) ?? ""
        let node = invocation.text(.signedNode) ?? ""
        let domains = (invocation.list(.vouchedDomain) ?? []).map { $0.lowercased() }
        for domain in domains where domain != Admission.anyDomain && !Names.isFederation(domain) {
            throw CommandFailure(exitCode: 2, message: "--domain: \(Quoting.excerpt(domain)) is no domain such as anl.gov")
        }
        do throws(TrustError) {
            let authority = try FederationAuthority.load(directory: invocation.text(.signingDirectory) ?? "")
            let bytes =
                file == "-"
                ? StandardInput.read(atMost: CertificateRequest.maximumBytes * 2) : try PublicFile.read(file)
            let request = try CertificateRequest(pem: bytes)
            let id = try SPIFFEID(federation: authority.federation, site: site, node: node)
            guard request.uris.isEmpty || request.uris == [id.uri] else {
                throw TrustError(
                    .malformedName, "the request is for \(request.uris.joined(separator: ", ")), not for \(id.uri)")
            }
            let certificate = try authority.issuer.issue(
                id: id, publicKey: request.publicKey, dnsNames: ["localhost"], addresses: ["127.0.0.1", "::1"])
            let admission = try authority.issuer.sign(
                .admission(Admission(site: site, domains: domains, nodes: invocation.integer(.nodes) ?? 1)))
            let answer = JoinAnswer(
                federation: authority.federation, site: site, node: node,
                certificates: EncodedCertificates.encode([certificate] + authority.issuer.chain),
                roots: EncodedCertificates.encode([authority.root]),
                statements: ([authority.bundle].compactMap { $0 } + [admission]).map { String(decoding: $0, as: UTF8.self) },
                seeds: Array((invocation.list(.seedNode) ?? []).prefix(JoinAnswer.seedsAllowed)))
            let text = JoinJSON.encode(answer) + [UInt8(ascii: "\n")]
            if let out = invocation.text(.out) {
                try PublicFile.write(out, text)
                Output.note(
                    "certified \(id) until \(Lifetime.moment(certificate.notAfter)); give \(out) to the facility, and tell it "
                        + "the root: \(Digest.hex(authority.root.thumbprint))")
            } else {
                Output.write(String(decoding: text, as: UTF8.self))
            }
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
    }
}
