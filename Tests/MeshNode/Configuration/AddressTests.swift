import Testing

@testable import MeshNode

@Suite struct AddressTests {
    @Test(
        "blocks contain",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.0.2.128/25", "192.0.2.200", true),
            ("192.0.2.128/25", "192.0.2.1", false), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
            ("0.0.0.0/0", "1.2.3.4", true), ("0.0.0.0/0", "::1", false), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false), ("::1", "::1", true),
            ("10.0.0.0/8", "10.0.0", false), ("10.0.0.0/8", "", false),
        ])
    func contains(block: String, address: String, expected: Bool) throws {
        #expect(try #require(AddressRange(block)).contains(address) == expected)
    }

    @Test(
        "no blocks",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "10.1.0.0/8", "::ffff:1.2.3.4", "a/8", "10.0.0.0/ 8",
        ])
    func refused(block: String) { #expect(AddressRange(block) == nil) }

    @Test(
        "base URLs",
        arguments: [
            ("http://127.0.0.1:8000/v1", "http", "127.0.0.1", 8000, "/v1"), ("https://h", "https", "h", 443, ""),
            ("HTTP://h.example.org/", "http", "h.example.org", 80, "/"), ("https://[::1]:9/a/b", "https", "::1", 9, "/a/b"),
            ("https://[::1]", "https", "::1", 443, ""), ("http://my_service:1", "http", "my_service", 1, ""),
        ])
    func webAddress(text: String, scheme: String, host: String, port: Int, path: String) throws {
        let address = try #require(WebAddress(text))
        #expect(address.scheme == scheme && address.host == host && address.port == port && address.path == path)
    }

    @Test(
        "no base URLs",
        arguments: [
            "", "h", "http:", "http://", "http:/h", "ftp://h", "http://h:0", "http://h:99999", "http://h:x", "http://u@h",
            "http://h?a",
            "http://h#a", "http://h/a b", "http://-h", "http://h..i", "http://[::1", "http://::1", "http://[1.2.3.4]",
            "http://1.2.3.4.5",
            "http://256.1.1.1", "http://h\n", "http://é", " http://h", "http://[fe80::1%eth0]", "http://h:",
        ])
    func noWebAddress(text: String) { #expect(WebAddress(text) == nil) }

    @Test(
        "loopback",
        arguments: [
            ("127.0.0.1:1", true), ("127.9.9.9:1", true), ("[::1]:1", true), ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false), ("10.0.0.1:1", false),
        ])
    func loopback(text: String, expected: Bool) throws { #expect(try #require(ListenAddress(text)).isLoopback == expected) }

    @Test(
        "near misses",
        arguments: [
            ("tokenPerSecond", ["tokensPerSecond"]), ("tokensPerSec", ["tokensPerSecond"]),
            ("TOKENSPERSECOND", ["tokensPerSecond"]),
            ("slot", ["slots"]), ("slost", ["slots"]), ("idd", ["id"]), ("url", []), ("", []),
        ])
    func nearMisses(word: String, expected: [String]) {
        #expect(NearMisses.of(word, among: ["tokensPerSecond", "slots", "id"]) == expected)
        #expect(NearMisses.of(String(repeating: "a", count: 65), among: ["a"]).isEmpty)
    }
}
