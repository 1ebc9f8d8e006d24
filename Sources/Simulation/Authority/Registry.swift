import Gossip

/// What the whole simulated world knows about signatures: who has signed what, and what was opened already. Confined to its
/// world, which is on one thread.
final class Registry {
    /// A token that was found whole, and what it says.
    final class Opened {
        let token: Token
        /// Handed to every machine that opens it: they hold it together.
        let signed: SignedRecord

        init(token: Token, signed: SignedRecord) {
            self.token = token
            self.signed = signed
        }
    }

    let secrets: Secrets
    let names: [NodeID]
    private(set) var signed: [SignedVersions]
    private var cache: [Opened?]
    private var next: UInt64 = 0
    /// Tokens of all nodes from the beginning of their lives, for those who replay; nil: not kept.
    private(set) var old: [[UInt8]]?
    private static let oldTokens = 4096

    /// - Parameter keepsOld: for a world in which someone replays.
    init(seed: UInt64, names: [NodeID], keepsOld: Bool) {
        self.secrets = Secrets(seed: mix64(seed ^ 0x7365_6372_6574))
        self.names = names
        self.signed = Array(repeating: SignedVersions(), count: names.count)
        var slots = 1024
        while slots < names.count * 8, slots < 1 << 17 { slots *= 2 }
        self.cache = Array(repeating: nil, count: slots)
        self.old = keepsOld ? [] : nil
    }

    /// Makes a token that passes for its signer, and remembers that it was made.
    func sign(_ record: Record, by certificate: Certificate, byteCount: Int) -> [UInt8] {
        let key = secrets.key(of: certificate.node, number: certificate.key)
        let (bytes, token) = make(record, by: certificate, key: key, byteCount: byteCount)
        cache[slot(of: token.number)] = Opened(token: token, signed: SignedRecord(record: record, token: bytes))
        signed[Int(certificate.node)].add(record.body.kind, record.version)
        if let count = old?.count, count < Registry.oldTokens { old?.append(bytes) }
        return bytes
    }

    /// Makes a token with any key: what comes of it is for those to say who open it.
    func make(
        _ record: Record, by certificate: Certificate, key: UInt64, byteCount: Int
    ) -> (bytes: [UInt8], token: Token) {
        next += 1
        let token = Token(
            certificate: certificate, certification: secrets.signature(on: certificate), number: next, record: record)
        return (token.bytes(signedWith: key, byteCount: byteCount), token)
    }

    /// What a token says, once the signature on it and on its certificate are found right.
    func open(_ bytes: [UInt8]) throws(RecordRefusal) -> Opened {
        guard let number = Token.number(in: bytes) else { throw .malformed }
        if let opened = cache[slot(of: number)], opened.signed.token == bytes { return opened }
        let (token, signature) = try Token.read(bytes)
        let certificate = token.certificate
        guard Int(certificate.node) < names.count, token.certification == secrets.signature(on: certificate) else {
            throw .badSignature
        }
        let key = secrets.key(of: certificate.node, number: certificate.key)
        guard Token.signature(of: bytes, key: key) == signature else { throw .badSignature }
        let opened = Opened(token: token, signed: SignedRecord(record: token.record, token: bytes))
        cache[slot(of: number)] = opened
        return opened
    }

    private func slot(of number: UInt64) -> Int { Int(number & UInt64(cache.count - 1)) }
}

/// How far one node has signed, by generation.
struct SignedVersions {
    private var heights: [DigestEntry] = []

    /// The highest generation of any.
    var highest: UInt64 { heights.last?.generation ?? 0 }

    mutating func add(_ kind: RecordKind, _ version: Version) {
        let index = heights.lastIndex { $0.generation <= version.generation }
        if let index, heights[index].generation == version.generation {
            heights[index][kind] = max(heights[index][kind], version.sequence)
            return
        }
        var height = DigestEntry(origin: 0, generation: version.generation)
        height[kind] = version.sequence
        heights.insert(height, at: index.map { $0 + 1 } ?? 0)
    }

    /// Whether it has signed all that is held of it there.
    func covers(_ held: DigestEntry) -> Bool {
        guard let height = heights.last(where: { $0.generation <= held.generation }),
            height.generation == held.generation
        else { return false }
        return held.identity <= height.identity && held.catalog <= height.catalog && held.load <= height.load
    }
}
