import Testing

@testable import Trust

@Suite struct KeyKindTests {
    @Test(
        arguments: [("P-256", .p256, true), ("P-384", .p384, true), ("P-521", .other("EC secp521r1"), false)]
            as [(String, PublicKey.Kind, Bool)])
    func curves(name: String, kind: PublicKey.Kind, isApproved: Bool) throws {
        let found = try key(onCurve: name).publicKey().kind
        #expect(found == kind && found.isApproved == isApproved)
    }

    @Test func others() throws {
        #expect(try rsaKey(2048).publicKey().kind == .rsa(bits: 2048))
        #expect(PublicKey.Kind.rsa(bits: 2048).isApproved && !PublicKey.Kind.rsa(bits: 2047).isApproved)
        #expect(try edwardsKey().publicKey().kind == .other("ED25519"))
    }

    /// The tests' own process is not under FIPS: Tests/Mesh/test_fips.py runs the program under it.
    @Test func isOffByItself() {
        #expect(!FIPS.isOn && FIPS.module == nil)
    }
}
