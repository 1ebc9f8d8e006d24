import Testing

@testable import Trust

@Suite struct FederationAuthorityTests {
    let scratch: Scratch
    let now: Int64 = 1_800_000_000

    init() throws { scratch = try Scratch() }

    @Test func createLoadIssueVerify() throws {
        let directory = scratch.path + "/federation"
        let made = try FederationAuthority.create(federation: "demo", directory: directory, validDays: 10, now: now)
        #expect(Scratch.names(in: directory) == ["ca.key", "ca.pem"])
        #expect(Scratch.mode(of: directory) == 0o700)
        #expect(Scratch.mode(of: directory + "/ca.key") == 0o600)
        #expect(Scratch.mode(of: directory + "/ca.pem") == 0o644)
        #expect(made.certificate.isAuthority)
        #expect(made.certificate.subject == "CN=demo mesh authority" && made.certificate.issuer == made.certificate.subject)

        let authority = try FederationAuthority.load(directory: directory)
        #expect(authority.federation == "demo")
        #expect(authority.certificate.der == made.certificate.der)

        let key = try PrivateKey.generate()
        let id = try SPIFFEID(federation: "demo", site: "alpha", node: "a1")
        let leaf = try authority.issue(
            id: id, key: key, dnsNames: ["localhost", "Node.Example.org"], addresses: ["127.0.0.1", "::1"],
            validSeconds: 86_400,
            now: now)
        #expect(leaf.notBefore == now - FederationAuthority.backdatingSeconds && leaf.notAfter == now + 86_400)
        let stranger = try PrivateKey.generate()
        #expect(leaf.belongs(to: key) && !leaf.belongs(to: stranger))
        #expect(leaf.subject == "CN=alpha/a1" && leaf.issuer == "CN=demo mesh authority")
        #expect(leaf.wrongUsage == nil && !leaf.isAuthority)
        let verifier = PeerVerifier(federation: "demo", roots: try Certificate.load(pemFile: directory + "/ca.pem"))
        #expect(try verifier.verify(leaf: leaf, intermediates: [], now: now) == id)

        let path = directory + "/node.pem"
        try leaf.write(pemFile: path, issuers: [authority.certificate])
        #expect(try Certificate(pemFile: path).der == leaf.der)
        #expect(
            try Certificate.load(pemFile: path).map(\.thumbprint) == [leaf.thumbprint, authority.certificate.thumbprint])
        #expect(leaf.thumbprint == Digest.sha256(leaf.der))
    }

    @Test func serialNumbersDiffer() throws {
        let authority = try FederationAuthority.create(federation: "demo", directory: scratch.path, validDays: 1, now: now)
        let key = try PrivateKey.generate()
        let id = try SPIFFEID(federation: "demo", site: "a", node: "b")
        let issued = try (0..<20).map { _ in
            try authority.issue(id: id, key: key, dnsNames: [], addresses: [], validSeconds: 60, now: now).thumbprint
        }
        #expect(Set(issued).count == 20)
    }

    @Test func neverOutlivesItsAuthority() throws {
        let authority = try FederationAuthority.create(federation: "demo", directory: scratch.path, validDays: 1, now: now)
        let id = try SPIFFEID(federation: "demo", site: "a", node: "b")
        let key = try PrivateKey.generate()
        let leaf = try authority.issue(id: id, key: key, dnsNames: [], addresses: [], validSeconds: 7 * 86_400, now: now)
        #expect(leaf.notAfter == authority.certificate.notAfter)
        #expect(throws: TrustError.self) {
            try authority.issue(id: id, key: key, dnsNames: [], addresses: [], validSeconds: 60, now: now + 2 * 86_400)
        }
    }

    @Test(arguments: ["ca.key", "ca.pem"])
    func isNeverOverwritten(name: String) throws {
        _ = try scratch.write(name, [1])
        let error = #expect(throws: TrustError.self) {
            try FederationAuthority.create(federation: "demo", directory: scratch.path, validDays: 1)
        }
        #expect(error?.code == .alreadyExists)
        #expect(try SecretFile.read(scratch.path + "/" + name) == [1])
    }

    @Test(arguments: ["", "Demo", "de mo", "demo/x", "-demo", String(repeating: "a", count: 64)])
    func badNames(federation: String) {
        #expect(throws: TrustError.self) {
            try FederationAuthority.create(federation: federation, directory: scratch.path, validDays: 1)
        }
        #expect(Scratch.names(in: scratch.path).isEmpty)
    }

    @Test(arguments: [-1, 0, FederationAuthority.maximumValidDays + 1])
    func badDays(days: Int) {
        #expect(throws: TrustError.self) {
            try FederationAuthority.create(federation: "demo", directory: scratch.path, validDays: days)
        }
    }

    /// Names that would smuggle in others, or none at all.
    @Test(
        arguments: [
            (["localhost,URI:spiffe://demo/site/x/node/y"], []), ([""], []), (["a b"], []), (["*.example.org"], []),
            ([], ["localhost"]), ([], ["300.1.1.1"]), ([], ["127.0.0.1/8"]), ([], [""]),
            ((0...64).map { "host\($0)" }, []),
        ] as [([String], [String])])
    func badAlternativeNames(dnsNames: [String], addresses: [String]) throws {
        let authority = try FederationAuthority.create(federation: "demo", directory: scratch.path, validDays: 1, now: now)
        let id = try SPIFFEID(federation: "demo", site: "a", node: "b")
        let key = try PrivateKey.generate()
        #expect(throws: TrustError.self) {
            try authority.issue(id: id, key: key, dnsNames: dnsNames, addresses: addresses, validSeconds: 60, now: now)
        }
    }

    @Test func otherFederationsNodesAreNotNamed() throws {
        let authority = try FederationAuthority.create(federation: "demo", directory: scratch.path, validDays: 1, now: now)
        let id = try SPIFFEID(federation: "other", site: "a", node: "b")
        let key = try PrivateKey.generate()
        #expect(throws: TrustError.self) {
            try authority.issue(id: id, key: key, dnsNames: [], addresses: [], validSeconds: 60, now: now)
        }
    }

    @Test func mixedUpFilesAreRefused() throws {
        let (one, two) = (scratch.path + "/one", scratch.path + "/two")
        _ = try FederationAuthority.create(federation: "demo", directory: one, validDays: 1)
        _ = try FederationAuthority.create(federation: "demo", directory: two, validDays: 1)
        try SecretFile.write(one + "/ca.key", try SecretFile.read(two + "/ca.key"))
        let error = #expect(throws: TrustError.self) { try FederationAuthority.load(directory: one) }
        #expect(error?.message.contains("does not belong") == true)
        #expect(throws: TrustError.self) { try FederationAuthority.load(directory: scratch.path) }
    }

    @Test func aNodesFilesAreNoAuthority() throws {
        let authority = try FederationAuthority.create(federation: "demo", directory: scratch.path + "/ca", validDays: 1)
        let key = try PrivateKey.generate()
        let id = try SPIFFEID(federation: "demo", site: "a", node: "b")
        let leaf = try authority.issue(id: id, key: key, dnsNames: [], addresses: [], validSeconds: 60)
        let directory = scratch.path + "/node"
        try SecretFile.makeDirectory(directory)
        try leaf.write(pemFile: directory + "/ca.pem")
        try key.write(pemFile: directory + "/ca.key")
        let error = #expect(throws: TrustError.self) { try FederationAuthority.load(directory: directory) }
        #expect(error?.code == .unusableCertificate)
    }
}
