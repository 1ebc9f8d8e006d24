import Testing

@testable import Trust

@Suite struct FederationAuthorityTests {
    let scratch: Scratch
    let now: Int64 = 1_800_000_000

    init() throws { scratch = try Scratch() }

    @Test func createLoadIssueVerify() throws {
        let directory = scratch.path + "/federation"
        let made = try FederationAuthority.create(federation: "demo", directory: directory, validDays: 10, now: now)
        #expect(
            Scratch.names(in: directory) == [
                "bundle.jws", "federation.json", "issuer.key", "issuer.pem", "root.key", "root.pem",
            ])
        #expect(Scratch.mode(of: directory) == 0o700)
        for name in ["root.key", "issuer.key"] { #expect(Scratch.mode(of: "\(directory)/\(name)") == 0o600) }
        #expect(Scratch.mode(of: directory + "/root.pem") == 0o644)
        #expect(made.root.isAuthority && made.issuer.certificate.isAuthority)
        #expect(made.root.subject == "CN=demo mesh root" && made.root.issuer == made.root.subject)
        #expect(made.issuer.certificate.issuer == made.root.subject)
        #expect(try Issuer.federation(of: made.issuer.certificate) == "demo")

        let authority = try FederationAuthority.load(directory: directory)
        #expect(authority.federation == "demo")
        #expect(authority.root.der == made.root.der && authority.issuer.certificate.der == made.issuer.certificate.der)
        #expect(authority.bundle == made.bundle)

        let key = try PrivateKey.generate()
        let id = try SPIFFEID(federation: "demo", site: "alpha", node: "a1")
        let leaf = try authority.issue(
            id: id, key: key, dnsNames: ["localhost", "Node.Example.org"], addresses: ["127.0.0.1", "::1"],
            validSeconds: 86_400,
            now: now)
        #expect(leaf.notBefore == now - FederationAuthority.backdatingSeconds && leaf.notAfter == now + 86_400)
        let stranger = try PrivateKey.generate()
        #expect(leaf.belongs(to: key) && !leaf.belongs(to: stranger))
        #expect(leaf.subject == "CN=alpha/a1" && leaf.issuer == "CN=demo mesh issuer")
        #expect(leaf.wrongUsage == nil && !leaf.isAuthority)
        let verifier = PeerVerifier(federation: "demo", roots: try Certificate.load(pemFile: directory + "/root.pem"))
        #expect(try verifier.verify(leaf: leaf, intermediates: authority.issuer.chain, now: now) == id)
        #expect(throws: PeerRefusal.self) { try verifier.verify(leaf: leaf, intermediates: [], now: now) }

        let path = directory + "/node.pem"
        try leaf.write(pemFile: path, issuers: authority.issuer.chain)
        #expect(try Certificate(pemFile: path).der == leaf.der)
        #expect(
            try Certificate.load(pemFile: path).map(\.thumbprint) == [
                leaf.thumbprint, authority.issuer.certificate.thumbprint,
            ])
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
        #expect(leaf.notAfter == authority.issuer.certificate.notAfter)
        #expect(throws: TrustError.self) {
            try authority.issue(id: id, key: key, dnsNames: [], addresses: [], validSeconds: 60, now: now + 2 * 86_400)
        }
    }

    @Test(arguments: ["root.key", "root.pem", "issuer.key", "issuer.pem", "bundle.jws", "federation.json"])
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
        try SecretFile.write(one + "/issuer.key", try SecretFile.read(two + "/issuer.key"))
        let error = #expect(throws: TrustError.self) { try FederationAuthority.load(directory: one) }
        #expect(error?.message.contains("does not belong") == true)
        #expect(throws: TrustError.self) { try FederationAuthority.load(directory: scratch.path) }
    }

    @Test func aNodesFilesAreNoIssuer() throws {
        let authority = try FederationAuthority.create(federation: "demo", directory: scratch.path + "/ca", validDays: 1)
        let key = try PrivateKey.generate()
        let id = try SPIFFEID(federation: "demo", site: "a", node: "b")
        let leaf = try authority.issue(id: id, key: key, dnsNames: [], addresses: [], validSeconds: 60)
        let (certificate, keyFile) = (scratch.path + "/node.pem", scratch.path + "/node.key")
        try leaf.write(pemFile: certificate)
        try key.write(pemFile: keyFile)
        let error = #expect(throws: TrustError.self) { try Issuer(certificateFile: certificate, keyFile: keyFile) }
        #expect(error?.code == .unusableCertificate)
    }

    /// What the root and the issuer say is taken by the ledger of a node that knows the root alone.
    @Test func statementsAreTakenByLedgers() throws {
        let made = try FederationAuthority.create(federation: "demo", directory: scratch.path + "/f", now: now)
        let ledger = TrustLedger(federation: "demo", roots: [made.root])
        #expect(try ledger.take(try #require(made.bundle), now: now) != nil)
        #expect(ledger.bundle.serial > 0)
        let admission = Statement.Body.admission(Admission(site: "alpha", domains: ["anl.gov"], nodes: 2))
        let first = try made.issuer.sign(admission, now: now)
        #expect(try ledger.take(first, now: now)?.body == admission)
        let serial = try #require(ledger.held.first { $0.statement.subject == "admission/alpha" }).statement.serial
        // In the same second, and after the clock was set back, a statement still replaces the one before.
        let later = try made.issuer.sign(
            .admission(Admission(site: "alpha", domains: [], nodes: 1)), now: now - 100, previous: serial)
        #expect(try ledger.take(later, now: now) != nil)
        #expect(ledger.admission(of: "alpha")?.domains == [])
    }

    @Test func theRootIsOpenedByItsPassphraseAlone() throws {
        let passphrase = Array("correct horse".utf8)
        _ = try FederationAuthority.create(
            federation: "demo", directory: scratch.path + "/f", root: .made(passphrase: passphrase), now: now)
        let path = scratch.path + "/f/root.key"
        let text = String(decoding: try SecretFile.read(path), as: UTF8.self)
        #expect(text.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
        #expect(throws: TrustError.self) { try PrivateKey(pemFile: path) }
        let root = try Certificate(pemFile: scratch.path + "/f/root.pem")
        let key = try PrivateKey.load(pemFile: path) { () throws(TrustError) in passphrase }
        #expect(root.belongs(to: key))
        let error = #expect(throws: TrustError.self) {
            try PrivateKey.load(pemFile: path) { () throws(TrustError) in Array("wrong horse".utf8) }
        }
        #expect(error?.code == .wrongPassphrase)
    }

    @Test(arguments: [0, 7, 1025])
    func passphrasesHaveBounds(count: Int) {
        let error = #expect(throws: TrustError.self) {
            try FederationAuthority.create(
                federation: "demo", directory: scratch.path + "/f",
                root: .made(passphrase: [UInt8](repeating: 65, count: count)))
        }
        #expect(error?.code == .limitExceeded)
    }

    @Test func anAuthorityThatIsThereCanBeTheRoot() throws {
        let known = try Workshop.shared.get().root
        let made = try FederationAuthority.create(
            federation: "demo", directory: scratch.path + "/f", root: .existing(known.certificate, known.key),
            now: Workshop.now)
        #expect(made.root.der == known.certificate.der)
        #expect(!Scratch.names(in: scratch.path + "/f").contains("root.key"))
        let key = try PrivateKey.generate()
        let id = try SPIFFEID(federation: "demo", site: "a", node: "b")
        let leaf = try made.issuer.issue(id: id, publicKey: key.publicKey(), now: Workshop.now)
        let verifier = PeerVerifier(federation: "demo", roots: [known.certificate])
        #expect(try verifier.verify(leaf: leaf, intermediates: made.issuer.chain, now: Workshop.now) == id)
    }

    @Test(arguments: ["leaf", "path length", "intermediate", "key", "expired"])
    func authoritiesThatCannotBeTheRoot(fault: String) throws {
        let workshop = try Workshop.shared.get()
        var (certificate, key, now) = (workshop.root.certificate, workshop.root.key, Workshop.now)
        switch fault {
        case "leaf": (certificate, key) = (try workshop.leaf(), workshop.nodeKey)
        case "path length":
            let short = try Workshop.authority("short") { $0.set(87, "critical,CA:TRUE,pathlen:0") }
            (certificate, key) = (short.certificate, short.key)
        case "intermediate":
            let below = try Workshop.authority("below", below: workshop.root)
            (certificate, key) = (below.certificate, below.key)
        case "key": key = workshop.stranger.key
        default: now += 1000 * Workshop.day
        }
        let root = FederationAuthority.Root.existing(certificate, key)
        #expect(throws: TrustError.self) {
            try FederationAuthority.create(federation: "demo", directory: scratch.path + "/f", root: root, now: now)
        }
    }

    /// The authority signs the issuer's request by hand, as step-ca or openssl would.
    @Test func anIssuerSignedByHand() throws {
        let directory = scratch.path + "/f"
        let workshop = try Workshop.shared.get()
        let request = try FederationAuthority.request(federation: "demo", directory: directory)
        #expect(
            try FederationAuthority.request(federation: "demo", directory: directory).publicKey.subjectPublicKeyInfo
                == request.publicKey.subjectPublicKeyInfo)
        #expect(request.uris == ["spiffe://demo"])
        let signed = try FederationAuthority.sign(
            request.publicKey, "demo", by: workshop.root.certificate, workshop.root.key, now: Workshop.now,
            until: Workshop.now + Workshop.day)
        // Another federation's name, and another root, are told at once.
        #expect(throws: TrustError.self) {
            try FederationAuthority.complete(
                federation: "other", directory: directory, chain: [signed], root: workshop.root.certificate,
                now: Workshop.now)
        }
        #expect(throws: TrustError.self) {
            try FederationAuthority.complete(
                federation: "demo", directory: directory, chain: [signed], root: workshop.stranger.certificate,
                now: Workshop.now)
        }
        let made = try FederationAuthority.complete(
            federation: "demo", directory: directory, chain: [signed, workshop.root.certificate],
            root: workshop.root.certificate, now: Workshop.now)
        #expect(made.issuer.chain.count == 1 && made.bundle == nil)
        #expect(try FederationAuthority.load(directory: directory).federation == "demo")
    }

    /// A key that OpenSSL finds by a URI: the same way leads to PKCS #11.
    @Test func aRootKeyBehindAStoreURI() throws {
        let passphrase = Array("correct horse".utf8)
        let path = scratch.path + "/held.key"
        try PrivateKey.generate().write(pemFile: path, passphrase: passphrase)
        let key = try PrivateKey.open(storeURI: "file:" + path, pin: passphrase)
        let made = try FederationAuthority.create(federation: "demo", directory: scratch.path + "/f", root: .held(key))
        #expect(made.root.belongs(to: key) && made.bundle != nil)
        for (uri, pin) in [
            ("file:" + path, nil), ("file:" + path, Array("wrong horse".utf8)), ("file:/nowhere", passphrase),
        ] {
            #expect(throws: TrustError.self) { try PrivateKey.open(storeURI: uri, pin: pin) }
        }
    }
}
