import Testing
import Trust

@Suite struct BytesTests {
    /// FIPS 180-4 examples, and sizes around the block of 64 bytes.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func digests(text: String, hex: String) {
        let bytes = Array(text.utf8)
        #expect(Digest.hex(Digest.sha256(bytes)) == hex)
        let digest = bytes.withUnsafeBytes { Digest.sha256($0) }
        #expect(digest.hex == hex)
        #expect(digest == SHA256Digest(hex: hex))
        #expect(digest == SHA256Digest(hex: hex.uppercased()))
        #expect(digest.bytes == Digest.sha256(bytes))
    }

    @Test func digestsAreEqualOnlyWhole() {
        let zero = String(repeating: "0", count: 64)
        let reference = SHA256Digest(hex: zero)
        for position in 0..<64 {
            var text = Array(zero)
            text[position] = "1"
            let other = SHA256Digest(hex: String(text))
            #expect(other != nil && other != reference, "digit \(position)")
        }
        #expect(Set([reference, SHA256Digest(hex: zero)]).count == 1)
    }

    @Test(arguments: [
        "", "00", String(repeating: "0", count: 63), String(repeating: "0", count: 65), String(repeating: "g", count: 64),
    ])
    func digestsAreReadStrictly(text: String) { #expect(SHA256Digest(hex: text) == nil) }

    @Test func digestsFromManyTasks() async {
        let wanted = Digest.hex(Digest.sha256(Array("abc".utf8)))
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask { (0..<200).allSatisfy { _ in Digest.hex(Digest.sha256(Array("abc".utf8))) == wanted } }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    @Test(
        arguments: [
            ([], [], true), ([1], [1], true), ([1, 2, 3], [1, 2, 3], true), ([1, 2, 3], [1, 2, 4], false),
            ([0, 2, 3], [1, 2, 3], false), ([1, 2], [1, 2, 0], false), ([], [0], false),
        ] as [([UInt8], [UInt8], Bool)])
    func comparesInConstantTime(a: [UInt8], b: [UInt8], isEqual: Bool) {
        #expect(constantTimeEqual(a, b) == isEqual)
        #expect(constantTimeEqual(b, a) == isEqual)
    }

    @Test func randomBytesDiffer() throws {
        #expect(Random.bytes(0).isEmpty)
        #expect(Random.bytes(33).count == 33)
        let tokens = Set((0..<100).map { _ in Random.token() })
        #expect(tokens.count == 100)
        for token in tokens { #expect(try Base64.decodeURL(token).count == 32) }
    }
}
