import Testing

@testable import Trust

@Suite struct CertificateRequestTests {
    let key: PrivateKey
    let id: SPIFFEID
    let request: CertificateRequest

    init() throws {
        key = try PrivateKey.generate()
        id = try SPIFFEID(federation: "demo", site: "alpha", node: "a1")
        request = try CertificateRequest(key: key, id: id, dnsNames: ["a1.example.org"], addresses: ["127.0.0.1"])
    }

    @Test func saysWhatIsAskedAndReadsBack() throws {
        #expect(request.subject == "CN=alpha/a1")
        #expect(request.uris == [id.uri])
        let fromDER = try CertificateRequest(der: request.der)
        let fromPEM = try CertificateRequest(pem: request.pem)
        #expect(fromDER.der == request.der && fromPEM.der == request.der)
        let certificate = try Workshop.shared.get().leaf(key: key)
        #expect(certificate.belongs(to: key))
        #expect(request.publicKey.subjectPublicKeyInfo == (try key.publicKey().subjectPublicKeyInfo))
    }

    /// Any bit changed breaks the signature, or the form.
    @Test func aChangedRequestIsRefused() {
        for index in stride(from: 0, to: request.der.count, by: 3) {
            var changed = request.der
            changed[index] ^= 0x10
            #expect(throws: TrustError.self) { try CertificateRequest(der: changed) }
        }
        #expect(throws: TrustError.self) { try CertificateRequest(der: request.der + [0]) }
        #expect(throws: TrustError.self) { try CertificateRequest(der: Array(request.der.dropLast())) }
        #expect(throws: TrustError.self) { try CertificateRequest(der: []) }
    }

    @Test func tooLargeIsNotLookedAt() {
        let error = #expect(throws: TrustError.self) {
            try CertificateRequest(der: [UInt8](repeating: 0x30, count: CertificateRequest.maximumBytes + 1))
        }
        #expect(error?.code == .limitExceeded)
    }

    @Test(arguments: ["", "-----BEGIN CERTIFICATE REQUEST-----\n!!!!\n-----END CERTIFICATE REQUEST-----\n"])
    func noPEM(text: String) {
        #expect(throws: TrustError.self) { try CertificateRequest(pem: Array(text.utf8)) }
    }

    @Test func weakKeysAreRefused() throws {
        let weak = try CertificateRequest.encoded(
            key: try weakKey(), commonName: "x", names: SubjectNames(uris: ["spiffe://demo"]), purpose: .issuer)
        let error = #expect(throws: TrustError.self) { try CertificateRequest(der: weak) }
        #expect(error?.code == .unusableKey)
    }
}
