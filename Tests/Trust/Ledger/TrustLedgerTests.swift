import COpenSSL
import Testing

@testable import Trust

/// What the operator says reaches every node, and nobody else can say it.
@Suite struct TrustLedgerTests {
    private typealias Work = LedgerWorkshop
    private let now = LedgerWorkshop.now

    @Test func theIssuerAdmitsAndANewerAdmissionHolds() throws {
        let work = try Work()
        #expect(work.ledger.admission(of: "argonne") == nil)
        let first = try Work.token(Work.admission("argonne"), by: work.issuer)
        #expect(try work.ledger.take(first, now: now)?.subject == "admission/argonne")
        #expect(try work.ledger.take(first, now: now) == nil)
        _ = try work.ledger.take(Work.token(Work.admission("argonne", ["lbl.gov"]), serial: 3, by: work.issuer), now: now)
        #expect(try work.ledger.take(Work.token(Work.admission("argonne", []), serial: 2, by: work.issuer), now: now) == nil)
        #expect(work.ledger.admission(of: "argonne")?.domains == ["lbl.gov"])
        #expect(work.ledger.admission(of: "nersc") == nil)
    }

    /// Two statements of one serial: every node keeps the same, whichever came first.
    @Test func whatIsHeldDoesNotDependOnTheOrder() throws {
        let work = try Work()
        let tokens = try [["a.org"], ["b.org"], ["c.org"]].map {
            try Work.token(Work.admission("argonne", $0), by: work.issuer)
        }
        let other = TrustLedger(federation: Work.federation, roots: [work.root.certificate])
        for token in tokens { _ = try work.ledger.take(token, now: now) }
        for token in tokens.reversed() { _ = try other.take(token, now: now) }
        #expect(work.ledger.digest == other.digest && !other.digest.isEmpty)
        #expect(work.ledger.held == other.held)
    }

    enum Forger: CaseIterable { case stranger, siteIssuer, node, otherRoot, rootOfAnother, altered, unsignedChain }

    @Test(arguments: Forger.allCases) func nobodyElseCanSayIt(_ forger: Forger) throws {
        let work = try Work()
        let body = Work.admission("argonne")
        let stranger = try Work.root("demo root")
        let token: [UInt8]
        var expected = StatementRefusal.notAuthorised
        switch forger {
        case .stranger: token = try Work.token(body, by: try Work.issuer(below: stranger))
        case .siteIssuer:
            token = try Work.token(body, by: try Work.issuer(below: work.root, uri: "spiffe://demo/site/argonne"))
        case .node:
            let shop = try Workshop.shared.get()
            let leaf = try shop.leaf(by: work.issuer)
            token = try Work.token(body, by: Workshop.Signer(certificate: leaf, key: shop.nodeKey))
        case .otherRoot: token = try Work.token(body, by: stranger, asRoot: true)
        case .rootOfAnother:
            token = try Work.token(body, by: try Work.issuer(below: work.root, uri: "spiffe://other"))
        case .altered:
            var good = String(decoding: try Work.token(body, by: work.issuer), as: UTF8.self)
            let last = try #require(good.lastIndex(of: "."))
            let position = good.index(last, offsetBy: 5)
            good.replaceSubrange(position...position, with: good[position] == "A" ? "B" : "A")
            token = Array(good.utf8)
            expected = .badSignature
        case .unsignedChain:
            // Names the issuer's certificate, but signs with a key of its own.
            let key = try PrivateKey.generate()
            token = try Work.token(body, by: Workshop.Signer(certificate: work.issuer.certificate, key: key))
            expected = .badSignature
        }
        #expect(throws: expected) { try work.ledger.take(token, now: now) }
        #expect(work.ledger.held.isEmpty)
    }

    @Test func anotherFederationsWordAndTheFuturesAreRefused() throws {
        let work = try Work()
        let body = Work.admission("argonne")
        #expect(throws: StatementRefusal.foreignFederation) {
            try work.ledger.take(Work.token(body, by: work.issuer, federation: "other"), now: now)
        }
        #expect(throws: StatementRefusal.futureDated) {
            try work.ledger.take(Work.token(body, by: work.issuer, issuedAt: now + 301), now: now)
        }
        #expect(try work.ledger.take(Work.token(body, by: work.issuer, issuedAt: now + 300), now: now) != nil)
    }

    @Test func aRevocationEndsWhatBeganBeforeIt() throws {
        let work = try Work()
        _ = try work.ledger.take(Work.token(Work.admission("argonne"), serial: 1, by: work.issuer), now: now)
        _ = try work.ledger.take(Work.token(Work.revocation("argonne", "a1"), serial: 2, by: work.issuer), now: now)
        func revoked(_ node: String, _ notBefore: Int64, at time: Int64) -> Bool {
            work.ledger.revocation(site: "argonne", node: node, notBefore: notBefore, now: time) != nil
        }
        #expect(revoked("a1", now - 1, at: now))
        #expect(!revoked("a1", now, at: now))
        #expect(!revoked("a2", now - 1, at: now))
        #expect(!revoked("a1", now - 1, at: now + 7 * Workshop.day))
        #expect(work.ledger.expire(now: now + 7 * Workshop.day))
        #expect(work.ledger.held.count == 1)
    }

    /// A revoked site cannot make itself certificates with an authority of its own; a new admission brings it back.
    @Test func aRevokedSiteStaysOutUntilItIsAdmittedAnew() throws {
        let work = try Work()
        _ = try work.ledger.take(Work.token(Work.admission("argonne"), serial: 1, by: work.issuer), now: now)
        _ = try work.ledger.take(Work.token(Work.revocation("argonne"), serial: 2, by: work.issuer), now: now)
        func revoked(_ notBefore: Int64) -> Bool {
            work.ledger.revocation(site: "argonne", node: "a1", notBefore: notBefore, now: now) != nil
        }
        #expect(revoked(now - 1) && revoked(now + 60))
        _ = try work.ledger.take(Work.token(Work.admission("argonne"), serial: 3, by: work.issuer), now: now)
        #expect(revoked(now - 1) && !revoked(now + 60))
    }

    @Test func aRevocationThatIsOverIsNotTaken() throws {
        let work = try Work()
        let token = try Work.token(Work.revocation("argonne", "a1", at: now - 8 * Workshop.day), by: work.issuer)
        #expect(throws: StatementRefusal.expired) { try work.ledger.take(token, now: now) }
    }

    /// The admission of before, which its nodes have kept, does not bring a revoked site back once the revocation is old.
    @Test func anOldAdmissionDoesNotBringARevokedSiteBack() throws {
        let work = try Work()
        let admission = try Work.token(Work.admission("argonne"), serial: 1, by: work.issuer)
        let revocation = try Work.token(Work.revocation("argonne"), serial: 2, by: work.issuer)
        _ = try work.ledger.take(admission, now: now)
        _ = try work.ledger.take(revocation, now: now)
        let later = now + 8 * Workshop.day
        func revoked(_ ledger: TrustLedger) -> Bool {
            ledger.revocation(site: "argonne", node: "a1", notBefore: later - 60, now: later) != nil
        }
        #expect(!work.ledger.expire(now: later))
        #expect(revoked(work.ledger))
        // A node that starts later learns of it too, and holds the same.
        let other = TrustLedger(federation: Work.federation, roots: [work.root.certificate])
        _ = try other.take(admission, now: later)
        _ = try other.take(revocation, now: later)
        #expect(revoked(other) && other.digest == work.ledger.digest)
        // Admitted anew it is back, and the revocation is forgotten.
        let again = try Work.token(Work.admission("argonne"), serial: 3, by: work.issuer)
        _ = try work.ledger.take(again, now: later)
        #expect(!revoked(work.ledger) && work.ledger.expire(now: later) && work.ledger.held.count == 1)
        #expect(throws: StatementRefusal.expired) { try work.ledger.take(revocation, now: later) }
    }

    /// An authority that is good for one site alone makes itself one of the whole federation below.
    @Test func aSitesAuthorityCannotMakeOneOfTheFederation() throws {
        let work = try Work()
        let site = try Workshop.authority("argonne authority", below: work.root) {
            $0.uris = ["spiffe://demo/site/argonne"]
            $0.set(NID_basic_constraints, "critical,CA:TRUE,pathlen:1")
        }
        let forged = try Work.issuer(below: site)
        let token = try Statement(
            federation: Work.federation, serial: 1, issuedAt: UInt64(now),
            signers: [forged, site].map { Base64.encode($0.certificate.der) }, body: Work.admission("argonne", ["*"])
        ).signed(key: forged.key, certificate: forged.certificate)
        #expect(throws: StatementRefusal.notAuthorised) { try work.ledger.take(token, now: now) }
        // One of no narrower bounds may stand between, as the authority of a facility does.
        let facility = try Workshop.authority("facility", below: work.root)
        let issuer = try Work.issuer(below: facility)
        let good = try Statement(
            federation: Work.federation, serial: 1, issuedAt: UInt64(now),
            signers: [issuer, facility].map { Base64.encode($0.certificate.der) }, body: Work.admission("argonne")
        ).signed(key: issuer.key, certificate: issuer.certificate)
        #expect(try work.ledger.take(good, now: now) != nil)
    }

    /// One root takes over from another: both are in force, then the new one alone, and what was signed anew stays.
    @Test func rootsRollOver() throws {
        let work = try Work()
        let next = try Work.root("demo root 2")
        let nextIssuer = try Work.issuer(below: next)
        _ = try work.ledger.take(Work.token(Work.admission("argonne"), serial: 1, by: work.issuer), now: now)
        _ = try work.ledger.take(Work.token(Work.admission("nersc"), serial: 1, by: work.issuer), now: now)
        #expect(throws: StatementRefusal.notAuthorised) {
            try work.ledger.take(Work.token(Work.admission("argonne"), serial: 2, by: nextIssuer), now: now)
        }
        _ = try work.ledger.take(
            Work.token(Work.bundle([work.root, next]), serial: 10, by: work.root, asRoot: true), now: now)
        #expect(work.ledger.bundle.serial == 10 && work.ledger.bundle.roots.count == 2)
        _ = try work.ledger.take(Work.token(Work.admission("argonne"), serial: 11, by: nextIssuer), now: now)
        _ = try work.ledger.take(Work.token(Work.bundle([next]), serial: 12, by: next, asRoot: true), now: now)
        #expect(work.ledger.bundle.roots.map(\.thumbprint) == [next.certificate.thumbprint])
        #expect(work.ledger.admission(of: "argonne") != nil)
        // Signed by an issuer of the root that is gone, and by nobody anew.
        #expect(work.ledger.admission(of: "nersc") == nil)
        #expect(throws: StatementRefusal.notAuthorised) {
            try work.ledger.take(Work.token(Work.admission("nersc"), serial: 20, by: work.issuer), now: now)
        }
    }

    /// Who holds an issuing key, as registration authorities do, cannot change whom all trust.
    @Test func anIssuerCannotChangeTheRoots() throws {
        let work = try Work()
        let mine = try Work.root("mine")
        #expect(throws: StatementRefusal.notAuthorised) {
            try work.ledger.take(Work.token(Work.bundle([mine]), by: work.issuer), now: now)
        }
        #expect(throws: StatementRefusal.notAuthorised) {
            try work.ledger.take(Work.token(Work.bundle([mine]), by: mine, asRoot: true), now: now)
        }
        #expect(work.ledger.bundle.serial == 0)
    }

    @Test(arguments: [
        Admission(site: "Argonne", domains: [], nodes: 1), Admission(site: "argonne", domains: ["anl gov"], nodes: 1),
        Admission(site: "argonne", domains: [], nodes: -1),
        Admission(site: "argonne", domains: Array(repeating: "a.org", count: 257), nodes: 1),
    ]) func whatIsBeyondLimitsIsNotSigned(_ admission: Admission) throws {
        let work = try Work()
        #expect(throws: TrustError.self) { try Work.token(.admission(admission), by: work.issuer) }
    }
}
