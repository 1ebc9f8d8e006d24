import Testing
import Trust

@Suite struct SPIFFEIDTests {
    @Test(arguments: [
        ("spiffe://demo/site/alpha/node/a1", "demo", "alpha", "a1"),
        ("spiffe://mesh.example.org/site/argonne-lab/node/0", "mesh.example.org", "argonne-lab", "0"),
        ("spiffe://1/site/2/node/3", "1", "2", "3"),
    ])
    func accepted(uri: String, federation: String, site: String, node: String) throws {
        let id = try SPIFFEID(uri: uri)
        #expect((id.federation, id.site, id.node) == (federation, site, node))
        #expect(id.uri == uri)
        #expect(try SPIFFEID(federation: federation, site: site, node: node) == id)
    }

    @Test func longestLabels() throws {
        let label = String(repeating: "a", count: 63)
        let federation = [label, label, label, String(repeating: "a", count: 61)].joined(separator: ".")
        let id = try SPIFFEID(federation: federation, site: label, node: label)
        #expect(try SPIFFEID(uri: id.uri) == id)
    }

    static let refusedURIs: [String] = [
        "", "spiffe://", "spiffe://demo", "spiffe://demo/", "spiffe://demo/site/a", "spiffe://demo/site/a/node",
        "spiffe://demo/site/a/node/", "spiffe://demo/site//node/b", "spiffe:///site/a/node/b",
        "spiffe://demo/site/a/node/b/",
        "spiffe://demo/site/a/node/b/c", "spiffe://demo//site/a/node/b", "spiffe://demo/node/b/site/a",
        "http://demo/site/a/node/b",
        "SPIFFE://demo/site/a/node/b", "spiffe:/demo/site/a/node/b", "spiffe://Demo/site/a/node/b",
        "spiffe://demo/site/A/node/b",
        "spiffe://demo/Site/a/node/b", "spiffe://demo:443/site/a/node/b", "spiffe://user@demo/site/a/node/b",
        "spiffe://demo/site/a/node/b?x=1", "spiffe://demo/site/a/node/b#x", "spiffe://demo/site/a%62/node/b",
        "spiffe://demo/site/../node/b", "spiffe://demo/site/./node/b", "spiffe://demo/site/-a/node/b",
        "spiffe://demo/site/a-/node/b",
        "spiffe://demo/site/a_b/node/c", "spiffe://demo/site/a.b/node/c", "spiffe://.demo/site/a/node/b",
        "spiffe://demo./site/a/node/b", "spiffe://de..mo/site/a/node/b", " spiffe://demo/site/a/node/b",
        "spiffe://demo/site/a/node/b\n", "spiffe://demo/site/a/node/b\u{0}", "spiffe://demo/site/ä/node/b",
        "spiffe://demo/site/\(String(repeating: "a", count: 64))/node/b",
        "spiffe://\(String(repeating: "a.", count: 127))a/site/a/node/b",
        "spiffe://demo/site/a/node/" + String(repeating: "b", count: 1000),
    ]

    @Test(arguments: refusedURIs)
    func refused(uri: String) {
        let error = #expect(throws: TrustError.self) { try SPIFFEID(uri: uri) }
        #expect(error?.code == .malformedName)
        #expect(error?.message.utf8.allSatisfy { (0x20...0x7e).contains($0) } == true)
    }
}
