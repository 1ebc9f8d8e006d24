/// Signed statements: JSON Web Signature in compact form (RFC 7515 §3.1), ES256 alone (RFC 7518 §3.4).
public enum JWS {
    /// Bytes of the largest token, whatever a caller allows.
    public static let maximumBytes = 16 << 20

    /// A token that was taken apart and not checked yet: believe nothing in it before `verify`.
    public struct Parsed: Sendable {
        /// `typ`: what kind of statement this is. Compare it: one kind must not pass for another.
        public let type: String?
        /// `kid`: which key is said to have signed it.
        public let keyID: String?
        public let payload: [UInt8]
        /// The whole token, whose first `signedByteCount` bytes are what was signed.
        public let token: [UInt8]
        public let signedByteCount: Int
        /// r and s, 64 bytes.
        public let signature: [UInt8]
    }

    /// - Parameters:
    ///   - type: `typ` of the header, which keeps kinds of statements apart; visible ASCII.
    ///   - keyID: `kid` of the header, the thumbprint of the signer's certificate in hexadecimal.
    /// - Returns: the token, ASCII.
    public static func sign(payload: [UInt8], type: String, key: PrivateKey, keyID: String) throws(TrustError) -> [UInt8] {
        guard payload.count <= maximumBytes / 2 else { throw TrustError(.limitExceeded, "too much to sign at once") }
        var token = Base64.encodedURL(try JWSHeader.encode(type: type, keyID: keyID))
        token.append(dot)
        token += Base64.encodedURL(payload)
        let signature = try key.signES256(token)
        token.append(dot)
        token += Base64.encodedURL(signature)
        return token
    }

    /// As above.
    public static func sign(
        payload: UnsafeRawBufferPointer, type: String, key: PrivateKey, keyID: String
    ) throws(TrustError) -> [UInt8] {
        try sign(payload: Array(payload), type: type, key: key, keyID: keyID)
    }

    /// Takes a token apart.
    ///
    /// - Throws: `.limitExceeded` above `maxBytes`; `.malformedToken` if it is not three parts of canonical base64url, if
    ///   its header says anything but ES256, `kid` and `typ`, or if the signature is not of 64 bytes.
    public static func parse(_ token: [UInt8], maxBytes: Int) throws(TrustError) -> Parsed {
        guard token.count <= min(maxBytes, maximumBytes) else {
            throw TrustError(.limitExceeded, "a token of \(token.count) bytes, \(min(maxBytes, maximumBytes)) allowed")
        }
        let parts = token.split(separator: dot, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw TrustError(.malformedToken, "a token has three parts joined by dots") }
        // Said before anything is decoded, and without allocating for what a header cannot be.
        guard parts[0].count <= JWSHeader.maximumBytes * 2 else { throw JWSHeader.refused("it is too long") }
        let header = try JWSHeader(try decoded(parts[0], "header"))
        let payload = try decoded(parts[1], "payload")
        let signature = try decoded(parts[2], "signature")
        guard signature.count == ES256.signatureByteCount else {
            throw TrustError(.malformedToken, "an ES256 signature has 64 bytes, this one \(signature.count)")
        }
        return Parsed(
            type: header.type, keyID: header.keyID, payload: payload, token: token, signedByteCount: parts[1].endIndex,
            signature: signature)
    }

    /// Checks that the holder of the certificate's key signed the token. The certificate itself must have been checked
    /// before.
    ///
    /// - Throws: `.badSignature`.
    public static func verify(_ parsed: Parsed, certificate: Certificate) throws(TrustError) {
        try verify(parsed, key: certificate.publicKey)
    }

    /// As above, for a key known by other means.
    public static func verify(_ parsed: Parsed, key: PublicKey) throws(TrustError) {
        let isGood = parsed.token.withUnsafeBytes {
            key.verifiesES256(parsed.signature, over: UnsafeRawBufferPointer(rebasing: $0[..<parsed.signedByteCount]))
        }
        guard isGood else { throw TrustError(.badSignature, "the token's signature is not by the key it should be") }
    }

    private static let dot = UInt8(ascii: ".")

    private static func decoded(_ part: ArraySlice<UInt8>, _ name: String) throws(TrustError) -> [UInt8] {
        do throws(TrustError) {
            return try Base64.decodedURL(part)
        } catch {
            throw TrustError(.malformedToken, "the token's \(name) is \(error.message)")
        }
    }
}
