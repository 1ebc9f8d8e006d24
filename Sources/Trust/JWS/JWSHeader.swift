/// The protected header of a token (RFC 7515 §4), narrowed to what MeshNode writes: `alg`, `kid` and `typ`, each once at
/// most, each a string of visible ASCII without escapes or white space between. Whatever else is said there is refused, not
/// ignored: a header that brings a key, a place to fetch one or an extension is an attack here, not a feature.
struct JWSHeader {
    var keyID: String?
    var type: String?

    static let algorithm = "ES256"
    static let maximumBytes = 1024
    static let maximumValueBytes = 256

    /// The header as JSON.
    ///
    /// - Throws: `.malformedToken` for values that would need escapes.
    static func encode(type: String, keyID: String) throws(TrustError) -> [UInt8] {
        for (name, value) in [("typ", type), ("kid", keyID)] where !isPlain(value) {
            throw TrustError(
                .malformedToken, "\(name) must be 1 to \(maximumValueBytes) visible ASCII characters without quotes")
        }
        return Array(#"{"alg":"\#(algorithm)","kid":"\#(keyID)","typ":"\#(type)"}"#.utf8)
    }

    /// - Throws: `.malformedToken` naming what is wrong.
    init(_ bytes: [UInt8]) throws(TrustError) {
        guard bytes.count <= Self.maximumBytes else { throw Self.refused("it is longer than \(Self.maximumBytes) bytes") }
        var members = JWSHeaderMembers(bytes)
        var algorithm: String?
        while let (name, value) = try members.next() {
            switch name {
            case "alg" where algorithm == nil: algorithm = value
            case "kid" where keyID == nil: keyID = value
            case "typ" where type == nil: type = value
            case "alg", "kid", "typ": throw Self.refused("\(name) stands there twice")
            default: throw Self.refusedMember(name)
            }
        }
        guard let algorithm else { throw Self.refused("it names no algorithm") }
        guard algorithm == Self.algorithm else {
            throw Self.refused("the algorithm is \(printable(algorithm.utf8, limit: 32)), only ES256 is accepted")
        }
    }

    static func refused(_ reason: String) -> TrustError { TrustError(.malformedToken, "token header refused: \(reason)") }

    static func refusedMember(_ name: String) -> TrustError {
        let shown = printable(name.utf8, limit: 32)
        switch name {
        case "jwk", "jku", "x5c", "x5u", "x5t", "x5t#S256": return refused("\(shown) brings a key of its own")
        case "crit", "b64": return refused("\(shown) asks for an extension")
        default: return refused("\(shown) is not expected there")
        }
    }

    static func isPlain(_ value: String) -> Bool {
        (1...maximumValueBytes).contains(value.utf8.count)
            && value.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
}
