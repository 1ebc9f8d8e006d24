import Testing

@testable import Trust

/// Which authority may sign for whom.
@Suite struct IssuerScopeTests {
    /// A federation with two sites, of which beta has a root of its own.
    struct Federation {
        let root: Workshop.Signer
        let siteRoot: Workshop.Signer
        let verifier: PeerVerifier

        init() throws {
            root = try LedgerWorkshop.root("demo root")
            siteRoot = try Workshop.authority("beta root") { $0.uris = ["spiffe://demo/site/beta"] }
            verifier = PeerVerifier(
                federation: "demo",
                bundle: TrustBundle(
                    serial: 1, roots: [root.certificate], siteRoots: ["beta": [siteRoot.certificate]]))
        }

        func issuer(_ uris: String..., below: Workshop.Signer? = nil) throws -> Workshop.Signer {
            try Workshop.authority("issuer", below: below ?? root) { $0.uris = uris }
        }

        /// What comes of a certificate for `site`; nil: it is accepted.
        func refusal(_ site: String, by issuer: Workshop.Signer, federation: String = "demo") throws -> PeerRefusal? {
            let leaf = try Workshop.shared.get().leaf(by: issuer) {
                $0.uris = ["spiffe://\(federation)/site/\(site)/node/n1"]
            }
            do throws(PeerRefusal) {
                let found = try verifier.verify(
                    leaf: leaf, intermediates: [issuer.certificate], now: Workshop.now)
                #expect(found.site == site)
                return nil
            } catch { return error.withoutReason }
        }
    }

    @Test(arguments: [
        (["spiffe://demo"], "alpha", true), (["spiffe://demo"], "beta", true),
        (["spiffe://demo/site/alpha"], "alpha", true), (["spiffe://demo/site/alpha"], "beta", false),
        (["spiffe://other"], "alpha", false), (["spiffe://other/site/alpha"], "alpha", false),
        (["spiffe://demo/site/alpha/node/n1"], "alpha", false), (["https://demo"], "alpha", false),
        (["spiffe://demo", "spiffe://demo/site/alpha"], "alpha", false), ([], "alpha", true), ([], "beta", true),
    ])
    func anIssuerSignsForWhatItsURISays(uris: [String], site: String, isGood: Bool) throws {
        let federation = try Federation()
        let issuer = try Workshop.authority("issuer", below: federation.root) { $0.uris = uris }
        let refusal = try federation.refusal(site, by: issuer)
        if isGood {
            #expect(refusal == nil)
        } else if case .outOfScope = refusal {
        } else {
            Issue.record("\(String(describing: refusal))")
        }
    }

    /// The site's root is not even looked at for another site, whatever is written in it.
    @Test func aSitesRootCannotMintAnotherSitesNames() throws {
        let federation = try Federation()
        #expect(try federation.refusal("beta", by: federation.siteRoot) == nil)
        #expect(try federation.refusal("alpha", by: federation.siteRoot) == .untrustedChain(reason: ""))
        // An issuer below it that claims the whole federation still stands on that site's root alone.
        let grand = try federation.issuer("spiffe://demo", below: federation.siteRoot)
        #expect(try federation.refusal("alpha", by: grand) == .untrustedChain(reason: ""))
        #expect(try federation.refusal("beta", by: try federation.issuer("spiffe://demo", below: federation.root)) == nil)
    }

    /// Scopes add up along the path: a federation-wide issuer below a site's gains nothing.
    @Test func anIssuerBelowASitesIssuerStaysAtThatSite() throws {
        let federation = try Federation()
        let site = try federation.issuer("spiffe://demo/site/alpha")
        let below = try federation.issuer("spiffe://demo", below: site)
        let leaf = try Workshop.shared.get().leaf(by: below) { $0.uris = ["spiffe://demo/site/beta/node/n1"] }
        #expect {
            try federation.verifier.verify(
                leaf: leaf, intermediates: [below.certificate, site.certificate], now: Workshop.now)
        } throws: {
            if case .outOfScope? = $0 as? PeerRefusal { true } else { false }
        }
    }

    /// Another federation's nodes are what they are, by their own root alone.
    @Test func linkedFederationsDoNotSpeakForEachOther() throws {
        let (ours, theirs) = (
            try LedgerWorkshop.root("demo root"), try Workshop.authority("other") { $0.uris = ["spiffe://other"] }
        )
        let verifier = PeerVerifier(
            federation: "demo", bundle: TrustBundle(serial: 0, roots: [ours.certificate]),
            linked: ["other": TrustBundle(serial: 0, roots: [theirs.certificate])])
        func verify(_ federation: String, by signer: Workshop.Signer) throws -> SPIFFEID {
            let leaf = try Workshop.shared.get().leaf(by: signer) {
                $0.uris = ["spiffe://\(federation)/site/alpha/node/a1"]
            }
            return try verifier.verify(leaf: leaf, intermediates: [], now: Workshop.now)
        }
        #expect(try verify("demo", by: ours).federation == "demo")
        #expect(try verify("other", by: theirs).federation == "other")
        #expect(throws: PeerRefusal.self) { try verify("demo", by: theirs) }
        #expect(throws: PeerRefusal.self) { try verify("other", by: ours) }
        #expect(throws: PeerRefusal.otherFederation(found: "third", expected: "demo")) { try verify("third", by: ours) }
    }

    @Test func theRootOfAPathIsTold() throws {
        let federation = try Federation()
        let issuer = try federation.issuer("spiffe://demo")
        let leaf = try Workshop.shared.get().leaf(by: issuer)
        let proof = try federation.verifier.prove(
            leaf: leaf, intermediates: [issuer.certificate], now: Workshop.now)
        #expect(proof.root == federation.root.certificate.thumbprint)
    }
}
