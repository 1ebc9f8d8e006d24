import Testing

@testable import Trust

@Suite struct InviteTokenTests {
    let root: Certificate
    let token: InviteToken

    init() throws {
        root = try Workshop.shared.get().root.certificate
        token = try InviteToken(
            root: root, federation: "demo", site: "argonne", authority: ("alpha", "a1"), address: "mesh.anl.gov:8201")
    }

    @Test func aTokenIsOneShortLineAndReadsBack() throws {
        #expect((100...160).contains(token.text.utf8.count))
        #expect(token.text.utf8.allSatisfy { (0x21...0x7e).contains($0) })
        #expect(try InviteToken(token.text) == token)
        #expect(try InviteToken("  \(token.text)\r\n") == token)
        #expect(token.pin.bytes == Digest.sha256(root.der))
        #expect(token.digest.bytes == Digest.sha256(token.secret))
        let other = try InviteToken(
            root: root, federation: "demo", site: "argonne", authority: ("alpha", "a1"), address: "mesh.anl.gov:8201")
        #expect(other.secret != token.secret)
    }

    /// Each single character changed, and each cut, is told at once.
    @Test func alteredOrCutIsTold() throws {
        let characters = Array(token.text.utf8)
        for index in characters.indices {
            var altered = characters
            altered[index] = altered[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(throws: TrustError.self) { try InviteToken(String(decoding: altered, as: UTF8.self)) }
            #expect(throws: TrustError.self) { try InviteToken(String(decoding: characters[..<index], as: UTF8.self)) }
        }
    }

    @Test(
        arguments: [
            ("", "no invitation"), ("hello", "no invitation"), ("mnj1_", "cut short"), ("mnj1_!!!!", "cut short"),
            (String(repeating: "a", count: 600), "longer than"),
        ])
    func refused(text: String, word: String) {
        let error = #expect(throws: TrustError.self) { try InviteToken(text) }
        #expect(error?.message.contains(word) == true)
    }

    @Test(arguments: ["", "A", "a@b", "a.b", "-a"])
    func badSites(site: String) {
        #expect(throws: TrustError.self) {
            try InviteToken(root: root, federation: "demo", site: site, authority: ("alpha", "a1"), address: "host:1")
        }
    }

    @Test(arguments: ["", "host", "a b:1", "hôte:1", String(repeating: "a", count: 300) + ":1"])
    func badAddresses(address: String) {
        #expect(throws: TrustError.self) {
            try InviteToken(root: root, federation: "demo", site: "argonne", authority: ("alpha", "a1"), address: address)
        }
    }
}
