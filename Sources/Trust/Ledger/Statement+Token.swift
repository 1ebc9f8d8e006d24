import FoundationEssentials

extension Statement {
    /// The statement as a token.
    ///
    /// - Parameters:
    ///   - key: of `certificate`.
    ///   - certificate: a root (`signers` is empty then), or the first of `signers`.
    public func signed(key: PrivateKey, certificate: Certificate) throws(TrustError) -> [UInt8] {
        guard holdsLimits else {
            throw TrustError(.limitExceeded, "a name or a number in the statement on \(subject) is not allowed")
        }
        let payload: [UInt8]
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            payload = Array(try encoder.encode(self))
        } catch { throw TrustError(.library, "a statement cannot be written as JSON: \(error)") }
        let token = try JWS.sign(payload: payload, type: Self.type, key: key, keyID: Digest.hex(certificate.thumbprint))
        guard token.count <= Self.maximumBytes else {
            throw TrustError(.limitExceeded, "the statement on \(subject) has more than \(Self.maximumBytes) bytes")
        }
        return token
    }

    /// What a token says, and by whose signature; nothing is checked yet but its form and limits.
    static func parse(_ token: [UInt8]) throws(StatementRefusal) -> (Statement, JWS.Parsed) {
        let parsed: JWS.Parsed
        do throws(TrustError) {
            parsed = try JWS.parse(token, maxBytes: maximumBytes)
        } catch { throw .malformed }
        guard parsed.type == type, let statement = try? JSONDecoder().decode(Statement.self, from: Data(parsed.payload)),
            statement.holdsLimits
        else { throw .malformed }
        return (statement, parsed)
    }
}
