@testable import Trust

/// The one URI that names a node.
extension PeerCase {
    private static let long = String(repeating: "a", count: 64)

    static let identities: [PeerCase] =
        [
            leaf("no URI", .noIdentity) { $0.uris = [] },
            leaf("a name in the subject alone", .noIdentity) {
                $0.commonName = "spiffe://demo/site/alpha/node/a1"
                $0.uris = []
                $0.dnsNames = []
                $0.addresses = []
            },
            leaf("a DNS name alone", .noIdentity) {
                $0.uris = []
                $0.dnsNames = ["a1.alpha.demo"]
                $0.addresses = []
            },
            leaf("an address alone", .noIdentity) {
                $0.uris = []
                $0.dnsNames = []
            },
            leaf("a hundred URIs", .severalIdentities) {
                $0.uris = (0..<100).map { "spiffe://demo/site/alpha/node/a\($0)" }
            },
            leaf("another trust domain that begins as ours", .otherFederation(found: "demo.example", expected: "demo")) {
                $0.uris = ["spiffe://demo.example/site/alpha/node/a1"]
            },
            leaf("no names at all", .noIdentity) {
                $0.uris = []
                $0.dnsNames = []
                $0.addresses = []
            },
            leaf("two URIs", .severalIdentities) { $0.uris.append("spiffe://demo/site/alpha/node/a2") },
            leaf("the same URI twice", .severalIdentities) { $0.uris.append(Workshop.uri) },
            leaf("a web address besides", .severalIdentities) { $0.uris.append("https://example.org/") },
            leaf("other federation, our authority", .otherFederation(found: "other", expected: "demo")) {
                $0.uris = ["spiffe://other/site/alpha/node/a1"]
            },
            PeerCase("other federation, its authority", .otherFederation(found: "other", expected: "demo")) {
                [try $0.leaf(by: $0.stranger) { $0.uris = ["spiffe://other/site/alpha/node/a1"] }]
            },
        ]
        + [
            "https://demo/site/alpha/node/a1", "spiffe://demo", "spiffe://demo/site/alpha",
            "spiffe://demo/site/alpha/node/A1",
            "spiffe://demo/site/alpha/node/a1/", "spiffe://demo/site/alpha/node/a1?b", "spiffe://demo/site/alpha/node/a%31",
            "SPIFFE://demo/site/alpha/node/a1", "spiffe://Demo/site/alpha/node/a1", "spiffe://demo:8201/site/alpha/node/a1",
            "spiffe://alpha@demo/site/alpha/node/a1", "spiffe://demo/site/alpha/node/a1#x", "spiffe:///site/alpha/node/a1",
            "spiffe://demo/site//node/a1", "spiffe://demo/site/alpha/node/", "spiffe://demo/site/alpha/node/../a1",
            "spiffe://demo/site/alpha/node/a1/b", "spiffe://demo/node/a1/site/alpha", "spiffe://demo./site/alpha/node/a1",
            "spiffe://demo/site/-alpha/node/a1", "spiffe:demo/site/alpha/node/a1", "urn:demo:alpha:a1", "",
        ].map { uri in leaf("URI \(uri)", .malformedIdentity(uri: uri)) { $0.uris = [uri] } }
        + [
            leaf("URI with a zero byte", .malformedIdentity(uri: Workshop.uri + "?.evil")) {
                $0.uris = [Workshop.uri + "\u{0}.evil"]
            },
            leaf("URI of more than 512 bytes", .malformedIdentity(uri: "")) {
                $0.uris = ["spiffe://demo/site/alpha/node/" + String(repeating: "a", count: 600)]
            },
            leaf("URI with a label of 64 bytes", .malformedIdentity(uri: "spiffe://demo/site/alpha/node/" + long)) {
                $0.uris = ["spiffe://demo/site/alpha/node/" + long]
            },
            leaf("URI with a line break", .malformedIdentity(uri: Workshop.uri + "?")) { $0.uris = [Workshop.uri + "\n"] },
        ]
}
