import Testing

@testable import Trust

@Suite struct JWSTests {
    static let key = Result { try PrivateKey.generate() }
    static let payload = Array(#"{"sub":"somebody"}"#.utf8)

    static func token() throws -> [UInt8] {
        try JWS.sign(payload: payload, type: "meshnode-test+jws", key: try key.get(), keyID: "abc123")
    }

    @Test(arguments: [0, 1, 2, 3, 100, 100_000])
    func roundTrip(count: Int) throws {
        let key = try Self.key.get()
        let payload = Random.bytes(count)
        let parsed = try JWS.parse(try JWS.sign(payload: payload, type: "t+jws", key: key, keyID: "k"), maxBytes: 1 << 20)
        #expect(parsed.payload == payload)
        #expect(parsed.type == "t+jws" && parsed.keyID == "k")
        try JWS.verify(parsed, key: try key.publicKey())
    }

    @Test func checkedWithACertificate() throws {
        let workshop = try Workshop.shared.get()
        let token = try JWS.sign(payload: Self.payload, type: "t", key: workshop.nodeKey, keyID: "k")
        try JWS.verify(try JWS.parse(token, maxBytes: 4096), certificate: try workshop.leaf())
        let error = #expect(throws: TrustError.self) {
            try JWS.verify(try JWS.parse(token, maxBytes: 4096), certificate: workshop.root.certificate)
        }
        #expect(error?.code == .badSignature)
    }

    /// RFC 7515 appendix A.3.
    @Test func vectorOfTheRFC() throws {
        let signed =
            "eyJhbGciOiJFUzI1NiJ9."
            + "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        let point =
            try Base64.decodeURL("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
            + Base64.decodeURL("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
        // SubjectPublicKeyInfo of an uncompressed point on P-256 (RFC 5480 §2).
        let prefix: [UInt8] = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
            0x3d,
            0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
        ]
        let key = try PublicKey(subjectPublicKeyInfo: prefix + point)
        let parsed = try JWS.parse(Array("\(signed).\(signature)".utf8), maxBytes: 1024)
        #expect(parsed.keyID == nil && parsed.type == nil)
        #expect(String(decoding: parsed.payload, as: UTF8.self).hasPrefix(#"{"iss":"joe","#))
        try JWS.verify(parsed, key: key)
        var other = parsed.token
        other[other.count - 3] ^= 1
        #expect(throws: TrustError.self) { try JWS.verify(try JWS.parse(other, maxBytes: 1024), key: key) }
    }

    /// Each byte of a token matters: changed, it is refused or its signature fails.
    @Test func everyByteIsSigned() throws {
        let token = try Self.token()
        let key = try Self.key.get().publicKey()
        try JWS.verify(try JWS.parse(token, maxBytes: 4096), key: key)
        for position in token.indices {
            for other in [token[position] ^ 1, UInt8(ascii: "A"), UInt8(ascii: "."), 0] where other != token[position] {
                var changed = token
                changed[position] = other
                #expect(throws: TrustError.self, "byte \(position)") {
                    try JWS.verify(try JWS.parse(changed, maxBytes: 4096), key: key)
                }
            }
        }
    }

    @Test func wrongKey() throws {
        let stranger = try PrivateKey.generate().publicKey()
        let error = #expect(throws: TrustError.self) {
            try JWS.verify(try JWS.parse(try Self.token(), maxBytes: 4096), key: stranger)
        }
        #expect(error?.code == .badSignature)
    }

    /// Headers that are refused although the signature over them holds, and the word by which.
    @Test(arguments: [
        (#"{"alg":"none"}"#, "none"), (#"{"alg":"HS256"}"#, "HS256"), (#"{"alg":"es256"}"#, "es256"),
        (#"{"alg":"ES384"}"#, "ES384"),
        (#"{"alg":""}"#, "algorithm"), (#"{"kid":"k"}"#, "no algorithm"), ("{}", "no algorithm"),
        (#"{"alg":"ES256","crit":["exp"]}"#, "crit"), (#"{"alg":"ES256","b64":false}"#, "b64"),
        (#"{"alg":"ES256","jwk":{"kty":"EC"}}"#, "jwk"), (#"{"alg":"ES256","jku":"https://x"}"#, "jku"),
        (#"{"alg":"ES256","x5c":["AA"]}"#, "x5c"), (#"{"alg":"ES256","x5u":"https://x"}"#, "x5u"),
        (#"{"alg":"ES256","x5t":"AA"}"#, "x5t"), (#"{"alg":"ES256","x5t#S256":"AA"}"#, "x5t#S256"),
        (#"{"alg":"ES256","cty":"x"}"#, "cty"), (#"{"alg":"ES256","alg":"ES256"}"#, "alg stands there twice"),
        (#"{"alg":"ES256","alg":"none"}"#, "alg stands there twice"),
        (#"{"alg":"ES256","kid":"a","kid":"b"}"#, "kid stands there twice"),
        (#"{"alg":"ES256","typ":"a","typ":"b"}"#, "typ stands there twice"), (#"{"alg":1}"#, "alg is not a string"),
        (#"{"alg":null}"#, "alg is not a string"), (#"{"alg":["ES256"]}"#, "alg is not a string"),
        (#"{"alg":"ES256","kid":7}"#, "kid is not a string"), (#"{"\u0061lg":"ES256"}"#, "JSON"),
        (#"{"alg":"\u0045S256"}"#, "JSON"),
        ("", "JSON"), ("null", "JSON"), (#"["ES256"]"#, "JSON"), (#"{"alg":"ES256""#, "JSON"),
        (#"{"alg":"ES256"}}"#, "JSON"),
        (#"{"alg":"ES256"} "#, "JSON"), (#" {"alg":"ES256"}"#, "JSON"), (#"{"alg":"ES256",}"#, "JSON"),
        (#"{,"alg":"ES256"}"#, "JSON"),
        (#"{"alg":"ES256" "kid":"a"}"#, "JSON"), (#"{"alg""ES256"}"#, "JSON"), (#"{"alg":"ES256"#, "JSON"),
        (#"{"alg":"ES256","kid":"ä"}"#, "JSON"), (#"{"alg":"ES256","kid":"a b"}"#, "JSON"),
        ("{\"alg\":\"ES256\",\"kid\":\"\(String(repeating: "k", count: 257))\"}", "257"),
        ("{\"alg\":\"ES256\",\"kid\":\"\(String(repeating: "k", count: 1200))\"}", "longer than 1024"),
        (String(repeating: "{", count: 5000), "too long"),
    ])
    func headerRefused(header: String, word: String) throws {
        var token = Array("\(Base64.encodeURL(Array(header.utf8))).\(Base64.encodeURL(Self.payload))".utf8)
        token += Array(".\(Base64.encodeURL(try Self.key.get().signES256(token)))".utf8)
        let error = #expect(throws: TrustError.self) { try JWS.parse(token, maxBytes: 1 << 20) }
        #expect(error?.code == .malformedToken)
        let wanted = word == "257" ? "longer than 256" : word
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: ["", ".", "..", "...", "a.b", "a.b.c.d", "eyJhbGciOiJFUzI1NiJ9..", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"])
    func shapeRefused(text: String) {
        let error = #expect(throws: TrustError.self) { try JWS.parse(Array(text.utf8), maxBytes: 4096) }
        #expect(error?.code == .malformedToken)
    }

    /// Other spellings of the same bytes: a token has one spelling alone.
    @Test func otherSpellingsRefused() throws {
        let parts = try #require(String(validating: Self.token(), as: UTF8.self)).split(separator: ".").map(String.init)
        let last = try #require(parts[2].last)
        // 64 bytes leave four unused bits in the last character.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let index = try #require(alphabet.firstIndex(of: last))
        let spellings = [
            "\(parts[0]).\(parts[1]).\(parts[2])==", "\(parts[0]).\(parts[1]).\(parts[2].dropLast())\(alphabet[index + 1])",
            "\(parts[0]).\(parts[1]).\(parts[2])\n", " \(parts[0]).\(parts[1]).\(parts[2])",
            "\(parts[0]).\(parts[1]) .\(parts[2])", "\(parts[0])=.\(parts[1]).\(parts[2])",
        ]
        for text in spellings {
            let error = #expect(throws: TrustError.self) { try JWS.parse(Array(text.utf8), maxBytes: 4096) }
            #expect(error?.code == .malformedToken)
        }
    }

    @Test func sizeIsLimited() throws {
        let token = try Self.token()
        #expect(throws: Never.self) { try JWS.parse(token, maxBytes: token.count) }
        let error = #expect(throws: TrustError.self) { try JWS.parse(token, maxBytes: token.count - 1) }
        #expect(error?.code == .limitExceeded)
    }

    @Test(arguments: ["", "a\"b", "a\\b", "a b", "ä", "a\n", String(repeating: "a", count: 257)])
    func valuesThatNeedEscapesAreNotSigned(value: String) throws {
        let key = try Self.key.get()
        #expect(throws: TrustError.self) { try JWS.sign(payload: [], type: value, key: key, keyID: "k") }
        #expect(throws: TrustError.self) { try JWS.sign(payload: [], type: "t", key: key, keyID: value) }
    }
}
