import COpenSSL
import Testing

@testable import Trust

@Suite struct KeyTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func roundTrip() throws {
        let key = try PrivateKey.generate()
        let path = scratch.path + "/node.key"
        try key.write(pemFile: path)
        #expect(Scratch.mode(of: path) == 0o600)
        let read = try PrivateKey(pemFile: path)
        let signature = try read.signES256(Array("hello".utf8))
        #expect(signature.count == 64)
        #expect(try key.publicKey().verifiesES256(signature, over: Array("hello".utf8)))
    }

    @Test func signaturesHoldForTheirBytesAndKeyAlone() throws {
        let key = try PrivateKey.generate()
        let publicKey = try key.publicKey()
        let stranger = try PrivateKey.generate().publicKey()
        for count in [0, 1, 1000] {
            let bytes = Random.bytes(count)
            let signature = try key.signES256(bytes)
            #expect(publicKey.verifiesES256(signature, over: bytes))
            #expect(!stranger.verifiesES256(signature, over: bytes))
            #expect(!publicKey.verifiesES256(signature, over: bytes + [0]))
            #expect(!publicKey.verifiesES256(signature + [0], over: bytes))
            #expect(!publicKey.verifiesES256(Array(signature.dropLast()), over: bytes))
            for position in [0, 31, 32, 63] {
                var changed = signature
                changed[position] ^= 1
                #expect(!publicKey.verifiesES256(changed, over: bytes))
            }
        }
    }

    /// Zeros and lengths other than 64 (r = s = 0 passed in a known flaw of others, CVE-2022-21449).
    @Test(arguments: [0, 1, 63, 64, 65, 72, 128])
    func degenerateSignatures(count: Int) throws {
        let publicKey = try PrivateKey.generate().publicKey()
        #expect(!publicKey.verifiesES256([UInt8](repeating: 0, count: count), over: [1]))
        #expect(!publicKey.verifiesES256([UInt8](repeating: 0xff, count: count), over: [1]))
    }

    /// r and s keep their width when they begin with zeros: about one in 128 does.
    @Test func shortHalvesArePadded() throws {
        let key = try PrivateKey.generate()
        let publicKey = try key.publicKey()
        for index in 0..<400 {
            let bytes = [UInt8(index & 255), UInt8(index >> 8)]
            let signature = try key.signES256(bytes)
            #expect(signature.count == 64 && publicKey.verifiesES256(signature, over: bytes))
        }
    }

    @Test func exposedKeyIsRefused() throws {
        let path = try scratch.write("node.key", try PrivateKey.generate().pem(), mode: 0o644)
        let error = #expect(throws: TrustError.self) { try PrivateKey(pemFile: path) }
        #expect(error?.code == .exposedFile)
        #expect(error?.message.contains("chmod 600") == true)
    }

    @Test(arguments: [
        "", "not a key\n", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ])
    func damagedKeyIsRefused(text: String) throws {
        let path = try scratch.write("node.key", Array(text.utf8))
        let error = #expect(throws: TrustError.self) { try PrivateKey(pemFile: path) }
        #expect(error?.code == .unusableKey)
        #expect(error?.message.contains(path) == true)
    }

    @Test(arguments: ["P-384", "secp256k1"])
    func otherCurvesAreRefused(curve: String) throws {
        let other = PrivateKey(adopting: try #require(mesh_EVP_EC_gen(curve)))
        let path = try scratch.write("node.key", try other.pem())
        let error = #expect(throws: TrustError.self) { try PrivateKey(pemFile: path) }
        #expect(error?.message.contains("P-256") == true)
    }

    @Test func otherKindsAreRefused() throws {
        let other = PrivateKey(adopting: try #require(mesh_EVP_RSA_gen(2048)))
        let path = try scratch.write("node.key", try other.pem())
        #expect(throws: TrustError.self) { try PrivateKey(pemFile: path) }
        #expect(try !other.publicKey().verifiesES256([UInt8](repeating: 1, count: 64), over: [1]))
    }

    /// OpenSSL would ask for the passphrase at the terminal.
    @Test func encryptedKeyIsRefusedWithoutAsking() throws {
        let key = try PrivateKey.generate()
        let sink = try MemoryBIO()
        let cipher = try #require(EVP_aes_256_cbc())
        try #require(PEM_write_bio_PKCS8PrivateKey(sink.pointer, key.handle, cipher, "secret", 6, nil, nil) == 1)
        let path = try scratch.write("node.key", sink.bytes)
        let error = #expect(throws: TrustError.self) { try PrivateKey(pemFile: path) }
        #expect(error?.message.contains("without passphrase") == true)
    }

    @Test(arguments: [[], [0x30], [UInt8](repeating: 0, count: 91)] as [[UInt8]])
    func damagedPublicKeys(der: [UInt8]) {
        #expect(throws: TrustError.self) { try PublicKey(subjectPublicKeyInfo: der) }
    }
}
