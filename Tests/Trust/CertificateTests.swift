import Testing

@testable import Trust

@Suite struct CertificateTests {
    static func certificate() throws -> Certificate {
        let key = try PrivateKey.generate()
        return try CertificateBuilder.authority("test", from: 1_700_000_000, until: 1_800_000_000)
            .sign(key: key, issuer: nil, signer: key)
    }

    @Test func readsWhatItWrote() throws {
        let certificate = try Self.certificate()
        let read = try Certificate(der: certificate.der)
        #expect(read.thumbprint == certificate.thumbprint)
        #expect((read.notBefore, read.notAfter) == (1_700_000_000, 1_800_000_000))
        #expect(try Certificate.load(pem: certificate.pem).map(\.der) == [certificate.der])
    }

    /// After 2049 dates are written in another form (RFC 5280 §4.1.2.5).
    @Test(arguments: [0, 2_524_607_999, 2_524_608_000, 4_102_444_800] as [Int64])
    func dates(seconds: Int64) throws {
        let key = try PrivateKey.generate()
        let made = try CertificateBuilder.authority("test", from: seconds, until: seconds + 1).sign(
            key: key, issuer: nil, signer: key)
        #expect((made.notBefore, made.notAfter) == (seconds, seconds + 1))
    }

    @Test func damagedEncodingsAreRefused() throws {
        let der = try Self.certificate().der
        #expect(throws: TrustError.self) { try Certificate(der: []) }
        #expect(throws: TrustError.self) { try Certificate(der: der + [0]) }
        #expect(throws: TrustError.self) {
            try Certificate(der: [UInt8](repeating: 0x30, count: Certificate.maximumBytes + 1))
        }
        for count in stride(from: 1, to: der.count, by: 7) {
            #expect(throws: TrustError.self) { try Certificate(der: Array(der.prefix(count))) }
        }
    }

    /// Any one bit changed: refused, or a certificate whose signature no longer holds; never a crash.
    @Test func flippedBits() throws {
        let key = try PrivateKey.generate()
        let root = try CertificateBuilder.authority("root", from: 0, until: 2_000_000_000).sign(
            key: key, issuer: nil, signer: key)
        var builder = CertificateBuilder.leaf("leaf", from: 0, until: 2_000_000_000)
        builder.uris = ["spiffe://demo/site/a/node/b"]
        let leaf = try builder.sign(key: try PrivateKey.generate(), issuer: root, signer: key)
        let verifier = PeerVerifier(federation: "demo", roots: [root])
        #expect(throws: Never.self) { try verifier.verify(leaf: leaf, intermediates: [], now: 1_000_000_000) }
        for position in leaf.der.indices {
            var der = leaf.der
            der[position] ^= 1 << (position & 7)
            guard let changed = try? Certificate(der: der) else { continue }
            #expect(throws: PeerRefusal.self) { try verifier.verify(leaf: changed, intermediates: [], now: 1_000_000_000) }
        }
    }

    @Test func filesAreNamedWhenRefused() throws {
        let scratch = try Scratch()
        let pem = try Self.certificate().pem
        let bad: [(String, [UInt8])] = [
            ("empty", []), ("text", Array("hello\n".utf8)), ("cut", Array(pem.dropLast(40))),
            ("second", pem + Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)),
            ("many", Array((0...Certificate.maximumInFile).map { _ in pem }.joined())),
        ]
        for (name, bytes) in bad {
            let path = try scratch.write(name, bytes, mode: 0o644)
            let error = #expect(throws: TrustError.self, "\(name)") { try Certificate.load(pemFile: path) }
            #expect(error?.message.contains(path) == true)
        }
        let missing = scratch.path + "/missing"
        let error = #expect(throws: TrustError.self) { try Certificate(pemFile: missing) }
        #expect(error?.code == .file)
    }

    /// A name cannot write control characters into a log.
    @Test func namesArePrintable() throws {
        let key = try PrivateKey.generate()
        let made = try CertificateBuilder.authority("a\n\u{1b}[2Jb", from: 0, until: 1).sign(
            key: key, issuer: nil, signer: key)
        #expect(made.subject.utf8.allSatisfy { (0x20...0x7e).contains($0) })
    }
}
