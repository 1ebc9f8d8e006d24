import FoundationEssentials
import Trust

/// One message of the exchange of statements, either way: what the sender holds, and what it hands over.
struct StatementExchange: Codable, Sendable, Equatable {
    /// Names of all that the sender holds (`name(of:)`).
    var have: [String]
    /// Tokens that the receiver lacks, or that are new.
    var tokens: [String]

    /// On the mesh port.
    static let path: StaticString = "/meshnode/v1/statements"
    static let messageBytes = 2 << 20
    /// Of tokens in one message; the rest goes in the next.
    static let tokenBytes = 1 << 20

    /// - Parameters:
    ///   - ledger: ours.
    ///   - theirs: what the receiver holds.
    init(of all: [TrustLedger.Held], lackedBy theirs: [String]) {
        let known = Set(theirs)
        // The bundle first: without the roots in it the receiver believes nothing of what is signed below them.
        let held = all.filter(\.isBundle) + all.filter { !$0.isBundle }
        have = held.map { Self.name(of: $0.token) }
        tokens = []
        var bytes = 0
        for (entry, name) in zip(held, have) where !known.contains(name) {
            bytes += entry.token.count
            guard tokens.isEmpty || bytes <= Self.tokenBytes else { break }
            tokens.append(String(decoding: entry.token, as: UTF8.self))
        }
    }

    /// What is new, said at once.
    init(of held: [TrustLedger.Held], news: [[UInt8]]) {
        have = held.map { Self.name(of: $0.token) }
        tokens = news.map { String(decoding: $0, as: UTF8.self) }
    }

    /// 16 bytes of a token's SHA-256, in hexadecimal.
    static func name(of token: [UInt8]) -> String { Digest.hex(Array(Digest.sha256(token).prefix(16))) }

    func encode() -> [UInt8] { (try? JSONEncoder().encode(self)).map { Array($0) } ?? [] }

    /// nil: not such a message, or one beyond its limits.
    static func decode(_ bytes: [UInt8]) -> StatementExchange? {
        guard bytes.count <= messageBytes,
            let found = try? JSONDecoder().decode(StatementExchange.self, from: Data(bytes)),
            found.have.count <= TrustLedger.maximumStatements, found.tokens.count <= TrustLedger.maximumStatements
        else { return nil }
        return found
    }

    var tokenData: [[UInt8]] { tokens.map { Array($0.utf8) } }
}

extension TrustLedger.Held {
    fileprivate var isBundle: Bool {
        if case .bundle = statement.body { true } else { false }
    }
}
