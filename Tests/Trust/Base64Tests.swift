import Testing
import Trust

@Suite struct Base64Tests {
    /// RFC 4648 §10, and bytes that need the last two characters of the alphabet.
    static let vectors: [(bytes: [UInt8], text: String)] = [
        ([], ""), (Array("f".utf8), "Zg=="), (Array("fo".utf8), "Zm8="), (Array("foo".utf8), "Zm9v"),
        (Array("foob".utf8), "Zm9vYg=="), (Array("fooba".utf8), "Zm9vYmE="), (Array("foobar".utf8), "Zm9vYmFy"),
        ([0xfb, 0xff, 0xbf], "+/+/"), ([0], "AA=="), ([0, 0], "AAA="), ([0, 0, 0], "AAAA"),
    ]

    @Test(arguments: vectors)
    func standard(bytes: [UInt8], text: String) throws {
        #expect(Base64.encode(bytes) == text)
        #expect(try Base64.decode(text) == bytes)
    }

    @Test(arguments: vectors)
    func url(bytes: [UInt8], text: String) throws {
        let plain = String(text.filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
        #expect(Base64.encodeURL(bytes) == plain)
        #expect(try Base64.decodeURL(plain) == bytes)
    }

    @Test func everyLength() throws {
        for count in 0..<260 {
            let bytes = Random.bytes(count)
            #expect(try Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(try Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
        }
    }

    @Test(arguments: [
        "Zg", "Zg=", "Zg===", "Z", "=", "==", "===", "====", "A===", "=AAA", "AA=A", "Zm9v\n", " Zm9v", "Zm9v ", "Zm 9v",
        "Zm9v    ",
        "Zm9vZg==Zm9v", "Zh==", "Zm9=", "Zm9", "-_-_", "Zm9!", "Zm9é", "\u{0}\u{0}\u{0}\u{0}", "AAAA-AAA",
    ])
    func refusedAsStandard(text: String) { #expect(throws: TrustError.self) { try Base64.decode(text) } }

    @Test(arguments: ["Zg==", "Z", "+/+/", "Zh", "Zm9", "Zm9v\n", "Zm 9", "=", "Zm9vZ", "Zm.9"])
    func refusedAsURL(text: String) { #expect(throws: TrustError.self) { try Base64.decodeURL(text) } }
}
