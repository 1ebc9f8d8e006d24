@testable import Trust

/// What the federation's operator said: roots of sites, issuers of sites, linked federations, revocations.
extension PeerCase {
    private static let (lost, gone) = ("spiffe://demo/site/alpha/node/lost", "spiffe://demo/site/gone/node/g1")
    private static let (gamma, friend) = ("spiffe://demo/site/gamma/node/g1", "spiffe://friends/site/delta/node/d1")

    static let federations: [PeerCase] = [
        leaf("a node that was revoked", .revoked(at: Workshop.now, reason: "lost")) { $0.uris = [lost] },
        leaf("a node that was revoked, certified anew", nil) {
            $0.uris = [lost]
            $0.notBefore = Workshop.now
        }.being(lost),
        leaf("a node of a site that was revoked", .revoked(at: Workshop.now, reason: "lost")) { $0.uris = [gone] },
        leaf("a node of a site that was revoked, certified since", .revoked(at: Workshop.now, reason: "lost")) {
            $0.uris = [gone]
            $0.notBefore = Workshop.now
        },
        PeerCase("a site's own root, for its node", nil) { [try $0.leaf(by: $0.siteRoot) { $0.uris = [gamma] }] }.being(
            gamma),
        PeerCase("our root, for the node of a site with a root of its own", nil) { [try $0.leaf { $0.uris = [gamma] }] }
            .being(gamma),
        PeerCase("a site's own root, for another site's node", .untrustedChain(reason: "")) {
            [try $0.leaf(by: $0.siteRoot), $0.siteRoot.certificate]
        },
        scoped("of the federation", ["spiffe://demo"], nil),
        scoped("of the site", ["spiffe://demo/site/alpha"], nil),
        scoped("of another site", ["spiffe://demo/site/beta"], "spiffe://demo/site/beta"),
        scoped("of another federation", ["spiffe://other"], "spiffe://other"),
        scoped("whose URI is a node's", ["spiffe://demo/site/alpha/node/ca"], "spiffe://demo/site/alpha/node/ca"),
        scoped("of two sites", ["spiffe://demo/site/alpha", "spiffe://demo/site/beta"], "spiffe://demo/site/alpha"),
        PeerCase(
            "an issuer without a URI below one of another site",
            .outOfScope(issuer: "spiffe://demo/site/beta", node: Workshop.uri)
        ) {
            let upper = try Workshop.authority("upper", below: $0.root) { $0.uris = ["spiffe://demo/site/beta"] }
            let lower = try Workshop.authority("lower", below: upper)
            return [try $0.leaf(by: lower), lower.certificate, upper.certificate]
        },
        PeerCase("a linked federation's node", nil) { [try $0.leaf(by: $0.friend) { $0.uris = [friend] }] }.being(friend),
        PeerCase("our root, for a linked federation's node", .untrustedChain(reason: "")) {
            [try $0.leaf { $0.uris = [friend] }]
        },
        PeerCase("a linked federation's root, for our node", .untrustedChain(reason: "")) {
            [try $0.leaf(by: $0.friend), $0.friend.certificate]
        },
    ]

    /// A row about a leaf by an issuer with URIs of its own.
    private static func scoped(_ name: String, _ uris: [String], _ shown: String?) -> PeerCase {
        PeerCase("an issuer \(name)", shown.map { .outOfScope(issuer: $0, node: Workshop.uri) }) {
            let between = try Workshop.authority("between", below: $0.root) { $0.uris = uris }
            return [try $0.leaf(by: between), between.certificate]
        }
    }
}
