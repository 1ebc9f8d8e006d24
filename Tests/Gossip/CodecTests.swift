import Testing

@testable import Gossip

@Suite struct CodecTests {
    static let entry = DigestEntry(
        origin: .max, generation: (1 << 40) - 1, identity: (1 << 24) - 1, catalog: (1 << 32) - 1, load: 1)
    static let item = DeltaItem(
        origin: 7, kind: .load, version: Version(generation: 1_700_000_000, sequence: 3), token: [1, 2, 3])
    static let claims = [
        Claim(node: node("a"), version: Version(generation: 1, sequence: 2), state: .suspect),
        Claim(node: node("b-2"), version: Version(generation: (1 << 40) - 1, sequence: (1 << 24) - 1), state: .left),
    ]
    static let messages: [Message] = WireLimits.versions.flatMap { version in
        newest.map { Message($0.body, claims: $0.claims, version: version) }
    }
    static let newest: [Message] = [
        Message(.summary(Summary(hash: 0x0102_0304_0506_0708, nodes: 9)), claims: claims),
        Message(.buckets((0..<64).map { UInt64($0) &* 0x9e37_79b9_7f4a_7c15 })),
        Message(.digest(mask: .max, [entry, DigestEntry(origin: 0)])),
        Message(.delta(Delta(items: [item, item], wants: [entry], isNews: true, hasMore: true)), claims: claims),
        Message(.delta(Delta())), Message(.announce([entry])), Message(.ping), Message(.probe(node("target"))),
        Message(.probeResult(node("target"), reachable: true)), Message(.ack, claims: claims),
    ]

    @Test(arguments: messages)
    func comesBackAsItWas(message: Message) throws {
        let bytes = message.encode()
        #expect(bytes.count == message.encodedByteCount)
        #expect(try Message.decode(bytes) == message)
    }

    @Test(arguments: messages)
    func everyTruncationAndAnythingMoreIsRefused(message: Message) {
        let bytes = message.encode()
        for length in 0..<bytes.count {
            #expect(throws: CodecError.self) { try Message.decode(Array(bytes.prefix(length))) }
        }
        #expect(throws: CodecError.trailingBytes) { try Message.decode(bytes + [0]) }
    }

    @Test func mutationsNeverCrashAndWhatIsReadCanBeWritten() throws {
        var random = SeededGenerator(seed: 42)
        for round in 0..<20_000 {
            var bytes = Self.messages[round % Self.messages.count].encode()
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                bytes[index] = UInt8(truncatingIfNeeded: random.next())
            }
            if let message = try? Message.decode(bytes) { #expect(message.encode() == bytes) }
        }
    }

    @Test(arguments: [
        ([], CodecError.truncated), ([3, 0, 9], .unknownVersion(3)), ([0, 0, 0, 9], .unknownVersion(0)),
        ([1, 0, 0, 99], .unknownKind(99)),
        // More claims, entries and items than there may be, and than there are bytes for.
        ([1, 0, 65], .badValue), ([1, 0, 64], .truncated), ([1, 0, 0, 5, 0x10, 0x01], .badValue),
        ([1, 0, 0, 5, 0x10, 0x00], .truncated), ([1, 0, 0, 4, 0, 0, 1, 1], .badValue), ([1, 0, 0, 4, 2], .badValue),
        // Version 2: a count too large, one longer than it need be, one without an end, flags that there are not.
        ([2, 65], .badValue), ([2, 64], .truncated), ([2, 0x80, 0x00, 9], .badValue), ([2, 0xff, 0xff], .truncated),
        ([2, 0, 99], .unknownKind(99)), ([2, 0, 4, 4], .badValue), ([2, 0, 5, 0x80, 0x20], .truncated),
        ([2, 0, 5, 0x81, 0x20], .badValue), ([2, 0] + [1] + Array(repeating: 0xff, count: 20), .badValue),
        // A name that is none.
        ([1, 0, 0, 7, 1, 0x2d, 1, 0x61], .badValue), ([1, 0, 0, 7, 0, 1, 0x61], .badValue),
        ([1, 0, 0, 7, 1, 0xff, 1, 0x61], .badValue), ([1, 0, 0, 7, 1, 0x41, 1, 0x61], .badValue),
    ])
    func isRefused(bytes: [UInt8], error: CodecError) {
        #expect(throws: error) { try Message.decode(bytes) }
    }

    @Test func largerThanAMessageMayBe() {
        #expect(throws: CodecError.tooLarge) {
            try Message.decode([UInt8](repeating: 1, count: WireLimits.messageBytes + 1))
        }
    }

    @Test func theLargestMessageThatTheSettingsAllowFits() {
        let token = [UInt8](repeating: 0, count: 2048)
        let item = DeltaItem(origin: 1, kind: .catalog, version: Version(generation: 1, sequence: 1), token: token)
        let full = Delta(
            items: Array(repeating: item, count: 256), wants: Array(repeating: Self.entry, count: WireLimits.entries))
        let name = NodeID(site: String(repeating: "a", count: 63), node: String(repeating: "b", count: 63))
        let claim = Claim(node: name, version: Version(generation: 1, sequence: 1), state: .dead)
        let message = Message(.delta(full), claims: Array(repeating: claim, count: WireLimits.claims))
        #expect(message.encodedByteCount <= WireLimits.messageBytes)
        #expect(256 * 2048 == Settings().$deltaBytes.upperBound)
    }

    @Test(arguments: [("a", true), ("a-b9", true), ("", false), ("-a", false), ("a-", false), ("A", false), ("a.b", false)])
    func names(label: String, isValid: Bool) {
        #expect(NodeID(site: label, node: "n").isValid == isValid)
        #expect(NodeID(site: "s", node: label).isValid == isValid)
    }

    @Test func theGeneratorIsTheSameEverywhere() {
        var random = SeededGenerator(seed: 1)
        #expect((0..<3).map { _ in random.next() } == [0xb3f2_af6d_0fc7_10c5, 0x853b_5596_4736_4cea, 0x92f8_9756_082a_4514])
        #expect((binaryLogarithm(1000) - 9.965_784).magnitude < 1e-5)
    }
}
