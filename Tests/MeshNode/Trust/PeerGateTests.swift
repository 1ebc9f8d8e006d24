import API
import Glibc
import Gossip
import Testing
import Transport
import Trust

@testable import MeshNode

/// Who is let in, as the ledger changes.
@Suite final class PeerGateTests {
    let folder: String
    let authority: FederationAuthority
    let gate: PeerGate
    let node = NodeID(site: "alpha", node: "a1")
    private let now = FederationAuthority.currentSeconds()

    init() throws {
        var template = Array("/tmp/meshnode-gate-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        authority = try FederationAuthority.create(federation: "demo", directory: folder + "/federation")
        gate = PeerGate(TrustLedger(federation: "demo", roots: [authority.root]))
    }

    deinit { removeTree(folder) }

    private func leaf(_ site: String = "alpha") throws -> Certificate {
        try authority.issuer.issue(
            id: try SPIFFEID(federation: "demo", site: site, node: "a1"), publicKey: try PrivateKey.generate().publicKey())
    }

    private func shown(_ leaf: Certificate) -> PeerCertificates {
        PeerCertificates(leaf: leaf.der, intermediates: authority.issuer.chain.map(\.der))
    }

    private func identity(_ leaf: Certificate) -> Identity {
        var identity = Identity(
            api: "", mesh: "", certificate: Base64.encode(leaf.der), certificateExpires: UInt64(leaf.notAfter), software: "")
        identity.issuers = authority.issuer.chain.map { Base64.encode($0.der) }
        return identity
    }

    private func revoke() throws {
        let revocation = Revocation(
            site: "alpha", revokedAt: UInt64(now), expires: UInt64(now + 1000), reason: "lost")
        _ = try gate.ledger.take(authority.issuer.sign(.revocation(revocation)), now: now)
        gate.refresh()
    }

    /// While a node renews, what it signed with either key is believed.
    @Test func bothCertificatesOfANodeAreKnown() throws {
        let (old, new) = (try leaf(), try leaf())
        #expect(gate.certificate(of: node, keyID: Digest.hex(old.thumbprint)) == nil)
        #expect(try gate.admit(shown(old), isDialled: false) == node)
        _ = try gate.certificate(identity(new).certificate, issuers: identity(new).issuers ?? [], of: node)
        for certificate in [old, new] {
            let keyID = Digest.hex(certificate.thumbprint)
            #expect(gate.certificate(of: node, keyID: keyID)?.thumbprint == certificate.thumbprint)
            #expect(gate.certificate(of: NodeID(site: "beta", node: "a1"), keyID: keyID) == nil, "of another node")
        }
    }

    @Test func aRevokedNodeIsRefusedAndItsWordWithIt() throws {
        let certificate = try leaf()
        _ = try gate.admit(shown(certificate), isDialled: false)
        #expect(gate.isWithdrawn(node, identity(certificate)) == false)
        try revoke()
        #expect(gate.certificate(of: node, keyID: Digest.hex(certificate.thumbprint)) == nil)
        #expect(gate.isWithdrawn(node, identity(certificate)))
        #expect {
            try self.gate.admit(self.shown(certificate), isDialled: true)
        } throws: { ($0 as? TransportError)?.code == .revoked }
        #expect(throws: RecordRefusal.revoked) {
            try self.gate.certificate(
                self.identity(certificate).certificate, issuers: self.identity(certificate).issuers ?? [], of: self.node)
        }
    }

    /// To be told that it is out, it may be called, and only that.
    @Test func aFarewellIsForThoseWeCall() throws {
        let certificate = try leaf()
        try revoke()
        gate.beginFarewell(to: [node])
        #expect(try gate.admit(shown(certificate), isDialled: true) == node)
        #expect(throws: TransportError.self) { try self.gate.admit(self.shown(certificate), isDialled: false) }
        gate.endFarewell(to: [node])
        #expect(throws: TransportError.self) { try self.gate.admit(self.shown(certificate), isDialled: true) }
    }

    /// A connection that was made while the ledger changed is not forgotten with those that are judged.
    @Test func whatIsProvenMeanwhileStays() throws {
        let proven = ProvenCertificates()
        let (old, new) = (try leaf(), try leaf("beta"))
        let other = NodeID(site: "beta", node: "a1")
        proven.add(old, intermediates: [], of: node)
        proven.keep { _, _ in
            proven.add(new, intermediates: [], of: other)
            return false
        }
        #expect(proven.entry(of: node, keyID: Digest.hex(old.thumbprint)) == nil)
        #expect(proven.entry(of: other, keyID: Digest.hex(new.thumbprint)) != nil)
    }

    /// What a site's own authority put into a certificate is not repeated by the federation's.
    @Test func aSitesOwnCertificateIsNotTheFederations() throws {
        let own = try FederationAuthority.create(federation: "demo", directory: folder + "/own")
        let bundle = BundleStatement(
            roots: [Base64.encode(authority.root.der)], siteRoots: ["alpha": [Base64.encode(own.root.der)]])
        let token = try Statement(
            federation: "demo", serial: UInt64(now) * 1000 + 1, issuedAt: UInt64(now), signers: [], body: .bundle(bundle)
        ).signed(key: try PrivateKey(pemFile: folder + "/federation/root.key"), certificate: authority.root)
        _ = try gate.ledger.take(token, now: now)
        gate.refresh()
        let theirs = try own.issuer.issue(
            id: try SPIFFEID(federation: "demo", site: "alpha", node: "a1"),
            publicKey: try PrivateKey.generate().publicKey(), dnsNames: ["api.beta.example"])
        let chain = PeerCertificates(leaf: theirs.der, intermediates: own.issuer.chain.map(\.der))
        #expect(try gate.admit(chain, isDialled: false) == node)
        #expect(!gate.isFederationsOwn(theirs, of: node))
        let ours = try leaf()
        #expect(!gate.isFederationsOwn(ours, of: node), "never shown")
        _ = try gate.admit(shown(ours), isDialled: false)
        #expect(gate.isFederationsOwn(ours, of: node))
    }

    /// A node that names an impossible end can be revoked like any other.
    @Test(arguments: [UInt64.max, UInt64(Int64.max), 0]) func aRevocationEndsByTheCertificatesThemselves(_ told: UInt64)
        throws
    {
        var liar = identity(try leaf())
        liar.certificateExpires = told
        let end = TrustKeeper.expiry(of: [liar], now: now)
        let usual = now + Int64(Issuer.validSeconds)
        #expect((usual...usual + 1000).contains(end))
        let long = try authority.issuer.issue(
            id: try SPIFFEID(federation: "demo", site: "alpha", node: "a1"),
            publicKey: try PrivateKey.generate().publicKey(), validSeconds: 2 * Issuer.validSeconds)
        #expect(TrustKeeper.expiry(of: [liar, identity(long)], now: now) > long.notAfter)
    }

    // MARK: Registration authorities

    /// Renewing is rationed by node, and comes back with time.
    @Test func renewalsAreRationed() {
        let limiter = RenewalLimiter()
        let start: UInt64 = 1_000_000_000_000
        let allowed = (0..<1000).filter { _ in limiter.admits(node, now: start) }.count
        #expect(allowed == Int(RenewalLimiter.burst))
        #expect(limiter.admits(NodeID(site: "beta", node: "b1"), now: start))
        #expect(!limiter.admits(node, now: start - 1), "a clock that goes back gives nothing")
        #expect(limiter.admits(node, now: start + 60_000_000_000))
    }

    @Test func anotherIssuerTakesOverWhileTheNodeRuns() throws {
        let files = CertificateConfiguration(
            certificateFile: folder + "/federation/issuer.pem", keyFile: folder + "/federation/issuer.key")
        let issuing = try RegistrationAuthority(
            files, federation: "demo", log: Logger(level: .error, json: false, source: "test"))
        let first = try #require(issuing.issuer).certificate.thumbprint
        // One below a root that nobody trusts yet does not take over.
        var rollover = try RootRollover(directory: folder + "/federation")
        try rollover.makeRoot(passphrase: nil)
        let next = try rollover.switchIssuer(key: try PrivateKey(pemFile: folder + "/federation/root.next.key"))
        issuing.reload(gate)
        #expect(issuing.issuer?.certificate.thumbprint == first)
        let both = try rollover.bundleOfBoth(
            key: try PrivateKey(pemFile: folder + "/federation/root.key"), present: nil, serial: 0)
        _ = try gate.ledger.take(both, now: now)
        gate.refresh()
        issuing.reload(gate)
        #expect(issuing.issuer?.certificate.thumbprint == next.certificate.thumbprint)
        // Half of a replacement changes nothing.
        try PrivateKey.generate().write(pemFile: files.keyFile)
        issuing.reload(gate)
        #expect(issuing.issuer?.certificate.thumbprint == next.certificate.thumbprint)
    }
}
