import FoundationEssentials
import Trust

/// What a stranger may know before it has proven anything: the federation and its roots.
struct JoinBundle: Codable, Sendable {
    var federation: String
    /// Base64 DER.
    var roots: [String]
    /// What the federation's operator says of its roots: a token; nil: nothing but what the invitation's pin says.
    var statement: String?
}

/// A request to join.
struct JoinRequest: Codable, Sendable {
    /// The invitation's secret, base64url.
    var secret: String
    /// PKCS #10, base64 DER.
    var request: String
    /// The name that the node wants.
    var node: String
    /// Host names and addresses that it is reached by.
    var names: [String]

    static let namesAllowed = 8
}

/// What a node is given when it joins. Also the file that `federation sign` writes.
struct JoinAnswer: Codable, Sendable {
    var federation: String
    var site: String
    var node: String
    /// The node's certificate, then those between it and the root; base64 DER.
    var certificates: [String]
    /// What the federation trusts; base64 DER.
    var roots: [String]
    /// What the federation's operator has said: tokens.
    var statements: [String]
    /// Mesh addresses of nodes, `HOST:PORT`.
    var seeds: [String]

    static let certificatesAllowed = 1 + Issuer.maximumChain
    static let rootsAllowed = 8
    static let statementsAllowed = 4096
    static let seedsAllowed = 16
    /// Bytes of the whole.
    static let maximumBytes = 1 << 20
}

/// Base64 DER of certificates, and back.
enum EncodedCertificates {
    static func encode(_ certificates: [Certificate]) -> [String] { certificates.map { Base64.encode($0.der) } }

    static func decode(_ encoded: [String], atMost: Int) throws(TrustError) -> [Certificate] {
        guard encoded.count <= atMost else { throw TrustError(.limitExceeded, "more than \(atMost) certificates") }
        var found: [Certificate] = []
        for text in encoded { found.append(try Certificate(der: try Base64.decode(text))) }
        return found
    }
}

/// JSON of these messages, sorted so that equal ones are equal bytes.
enum JoinJSON {
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and lists of texts: there is nothing in them that JSON cannot hold.
        return (try? encoder.encode(value)).map { Array($0) } ?? []
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
        try? JSONDecoder().decode(type, from: Data(bytes))
    }
}
