import Testing

@testable import Trust

/// A root takes over from another, with a node's ledger looking on.
@Suite struct RootRolloverTests {
    let scratch: Scratch
    let authority: FederationAuthority
    let oldKey: PrivateKey
    let ledger: TrustLedger
    let now = Workshop.now

    init() throws {
        scratch = try Scratch()
        authority = try FederationAuthority.create(federation: "demo", directory: scratch.path, now: Workshop.now)
        oldKey = try PrivateKey(pemFile: scratch.path + "/root.key")
        ledger = TrustLedger(federation: "demo", roots: [authority.root])
        if let bundle = authority.bundle { _ = try ledger.take(bundle, now: Workshop.now) }
    }

    private var newKey: PrivateKey { get throws { try PrivateKey(pemFile: RootRollover.nextKeyPath(scratch.path)) } }

    private func take(_ tokens: [[UInt8]]) throws {
        for token in tokens { #expect(try ledger.take(token, now: now) != nil) }
    }

    /// Whether a node certified by the issuer in the folder is trusted.
    private func isTrusted() throws -> Bool {
        let issuer = try FederationAuthority.load(directory: scratch.path).issuer
        let leaf = try issuer.issue(
            id: try SPIFFEID(federation: "demo", site: "alpha", node: "a1"),
            publicKey: try PrivateKey.generate().publicKey(),
            now: now)
        let verifier = PeerVerifier(federation: "demo", bundle: ledger.bundle)
        return (try? verifier.verify(leaf: leaf, intermediates: issuer.chain, now: now)) != nil
    }

    @Test func fromTheOldRootToTheNew() throws {
        try take([try authority.issuer.sign(.admission(Admission(site: "alpha", domains: ["*"], nodes: 1)), now: now)])
        // 1. Both roots.
        var rollover = try RootRollover(directory: scratch.path)
        try rollover.makeRoot(passphrase: nil, now: now)
        let new = try #require(rollover.new)
        try take([
            try rollover.bundleOfBoth(key: oldKey, present: nil, serial: ledger.bundle.serial, now: now)
        ])
        #expect(ledger.bundle.roots.map(\.thumbprint) == [authority.root.thumbprint, new.thumbprint])
        #expect(ledger.admission(of: "alpha") != nil)
        #expect(try isTrusted())
        // 2. The new issuer, and all that was said anew by it.
        let issuer = try rollover.switchIssuer(key: try newKey, now: now)
        try take([
            try rollover.bundleOfBoth(
                key: oldKey, present: nil, serial: ledger.bundle.serial, renewBefore: now, now: now)
        ])
        #expect(ledger.bundle.renewBefore == UInt64(now))
        #expect(try isTrusted())
        try take(try RootRollover.renew(ledger.held.map(\.statement), by: issuer, now: now))
        #expect(try RootRollover.renew(ledger.held.map(\.statement), by: issuer, now: now).isEmpty, "once is enough")
        // 3. The new root alone.
        let bundle = try rollover.bundleOfNew(key: try newKey, present: nil, serial: ledger.bundle.serial, now: now)
        try take([bundle])
        try rollover.finish(bundle: bundle)
        #expect(ledger.bundle.roots.map(\.thumbprint) == [new.thumbprint])
        #expect(ledger.admission(of: "alpha") != nil, "it was signed anew in time")
        #expect(try isTrusted())
        // The folder is that of a federation as before, and another rollover can begin.
        let after = try FederationAuthority.load(directory: scratch.path)
        #expect(after.root.thumbprint == new.thumbprint && after.bundle == bundle)
        #expect(try RootRollover(directory: scratch.path).new == nil)
        #expect(try after.root.belongs(to: PrivateKey(pemFile: scratch.path + "/root.key")))
    }

    /// What the old issuer signed ends with the old root, where nobody says it anew.
    @Test func theOldIssuerEndsWithTheOldRoot() throws {
        try take([try authority.issuer.sign(.admission(Admission(site: "alpha", domains: [], nodes: 1)), now: now)])
        var rollover = try RootRollover(directory: scratch.path)
        try rollover.makeRoot(passphrase: nil, now: now)
        try take([try rollover.bundleOfBoth(key: oldKey, present: nil, serial: ledger.bundle.serial, now: now)])
        try take([try rollover.bundleOfNew(key: try newKey, present: nil, serial: ledger.bundle.serial, now: now)])
        #expect(ledger.admission(of: "alpha") == nil)
        #expect(try isTrusted() == false)
    }

    /// A site that was revoked and admitted again keeps its place, and one that is revoked stays out.
    @Test func theOrderOfWhatWasSaidIsKept() throws {
        func say(_ body: Statement.Body, _ serial: UInt64) throws {
            try take([try authority.issuer.sign(body, now: 0, previous: serial)])
        }
        func revocation(_ site: String) -> Statement.Body {
            .revocation(
                Revocation(site: site, revokedAt: UInt64(now), expires: UInt64(now + 1000), reason: "lost"))
        }
        try say(revocation("back"), 10)
        try say(.admission(Admission(site: "back", domains: [], nodes: 1)), 11)
        try say(.admission(Admission(site: "out", domains: [], nodes: 1)), 20)
        try say(revocation("out"), 21)
        var rollover = try RootRollover(directory: scratch.path)
        try rollover.makeRoot(passphrase: nil, now: now)
        try take([try rollover.bundleOfBoth(key: oldKey, present: nil, serial: ledger.bundle.serial, now: now)])
        let issuer = try rollover.switchIssuer(key: try newKey, now: now)
        try take(try RootRollover.renew(ledger.held.map(\.statement), by: issuer, now: now))
        #expect(ledger.revocation(site: "back", node: "n", notBefore: now, now: now) == nil)
        #expect(ledger.revocation(site: "out", node: "n", notBefore: now, now: now) != nil)
    }

    @Test func stepsMayBeDoneAgain() throws {
        var rollover = try RootRollover(directory: scratch.path)
        try rollover.makeRoot(passphrase: nil, now: now)
        var again = try RootRollover(directory: scratch.path)
        try again.makeRoot(passphrase: nil, now: now)
        #expect(again.new?.thumbprint == rollover.new?.thumbprint)
        let issuer = try again.switchIssuer(key: try newKey, now: now)
        #expect(try again.switchIssuer(key: try newKey, now: now).certificate.thumbprint == issuer.certificate.thumbprint)
    }

    /// Between the renames of the new issuer's two files nothing is lost.
    @Test func aSwitchCutShortIsCompleted() throws {
        var rollover = try RootRollover(directory: scratch.path)
        try rollover.makeRoot(passphrase: nil, now: now)
        let key = try PrivateKey.generate()
        let certificate = try FederationAuthority.sign(
            key.publicKey(), "demo", by: try #require(rollover.new), try newKey, now: now, until: now + 1000)
        try key.write(pemFile: scratch.path + "/issuer.key")
        try certificate.write(pemFile: scratch.path + "/issuer.next.pem")
        #expect(try rollover.switchIssuer(key: try newKey, now: now).certificate.thumbprint == certificate.thumbprint)
    }

    @Test func withoutANewRootThereIsNothingToGoOnWith() throws {
        let rollover = try RootRollover(directory: scratch.path)
        #expect(throws: TrustError.self) { try rollover.switchIssuer(key: oldKey, now: now) }
        #expect(throws: TrustError.self) { try rollover.bundleOfNew(key: oldKey, present: nil, serial: 1, now: now) }
    }

    @Test func theNewKeyIsEncryptedWhereTheOldOneIs() throws {
        var rollover = try RootRollover(directory: scratch.path)
        try rollover.makeRoot(passphrase: Array("correct horse".utf8), now: now)
        let text = String(decoding: try SecretFile.read(RootRollover.nextKeyPath(scratch.path)), as: UTF8.self)
        #expect(text.contains("ENCRYPTED"))
    }
}
