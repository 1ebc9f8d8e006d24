import Testing

@testable import Gossip

/// Version 1 of the wire form, byte for byte as programs wrote it that knew no other: what they send must be read for what they meant, and
/// what they are sent must be what they would have written. The bytes were written by the last such program, not by this one.
@Suite struct Version1Tests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let message: Message
        let hex: String

        init(_ body: Message.Body, claims: [Claim] = [], _ hex: String) {
            message = Message(body, claims: claims, version: 1)
            self.hex = hex
        }

        var testDescription: String { String(String(describing: message.body).prefix(40)) }

        var bytes: [UInt8] {
            var rest = hex[...]
            var bytes: [UInt8] = []
            while let byte = UInt8(rest.prefix(2), radix: 16) {
                bytes.append(byte)
                rest = rest.dropFirst(2)
            }
            return bytes
        }
    }

    @Test(arguments: vectors)
    func isReadAsItWasMeant(vector: Vector) throws {
        #expect(try Message.decode(vector.bytes) == vector.message)
    }

    @Test(arguments: vectors)
    func isWrittenAsItWas(vector: Vector) {
        #expect(vector.message.encode() == vector.bytes)
        #expect(vector.message.encodedByteCount == vector.hex.utf8.count / 2)
    }

    @Test func everyKindAndEveryStateIsThere() {
        #expect(Set(Self.vectors.map(\.message.body.code)) == Set(1...9))
        #expect(Set(Self.everyState.map(\.state)) == Set([.alive, .suspect, .unreachable, .dead, .left]))
    }

    // MARK: - What was written

    private static let doubts = [
        Claim(
            node: NodeID(site: "argonne", node: "n1"), version: Version(generation: 1_700_000_000, sequence: 2),
            state: .suspect),
        Claim(
            node: NodeID(site: "b-2", node: "login0"), version: Version(generation: (1 << 40) - 1, sequence: (1 << 24) - 1),
            state: .left),
    ]
    private static let everyState = [NodeState.alive, .suspect, .unreachable, .dead, .left].enumerated().map {
        index, state in
        Claim(node: NodeID(site: "s\(index)", node: "n"), version: Version(generation: 256, sequence: 1), state: state)
    }
    private static let largest = DigestEntry(
        origin: .max, generation: (1 << 40) - 1, identity: (1 << 24) - 1, catalog: (1 << 32) - 1, load: (1 << 32) - 1)
    private static let usual = DigestEntry(
        origin: 0x0123_4567_89ab_cdef, generation: 1_700_000_000, identity: 3, catalog: 258, load: 65_537)
    private static let items = [
        DeltaItem(
            origin: 0x0123_4567_89ab_cdef, kind: .identity, version: Version(generation: 1_700_000_000, sequence: 3),
            token: Array("one.two.three".utf8)),
        DeltaItem(
            origin: 7, kind: .catalog, version: Version(generation: 9, sequence: (1 << 32) - 1), token: [0xff, 0, 0x80]),
        DeltaItem(origin: .max, kind: .load, version: Version(generation: (1 << 40) - 1, sequence: 1), token: []),
    ]
    private static let target = NodeID(site: "target", node: "n1")

    static let vectors = [
        Vector(
            .summary(Summary(hash: 0x0102_0304_0506_0708, nodes: .max)), claims: doubts,
            """
            010002076172676f6e6e65026e31006553f1000000020103622d32066c6f67696e30ffffffffffffffff040101020304\
            05060708ffffffff
            """),
        Vector(
            .buckets((0..<64).map { UInt64($0) &* 0x9e37_79b9_7f4a_7c15 }), claims: doubts,
            """
            010002076172676f6e6e65026e31006553f1000000020103622d32066c6f67696e30ffffffffffffffff040200000000\
            000000009e3779b97f4a7c153c6ef372fe94f82adaa66d2c7ddf743f78dde6e5fd29f0541715609f7c746c69b54cda58\
            fbbee87e538454127b096493f1bbcdcbfa53e0a88ff34785799e5cbd2e2ac13ef8e8d8d2cc623af8783354e76a99b4b1\
            f77dd0fc08d12e6b76c84d11a708a824f612c926454021de755d453be3779b97f4a7c15081af155173f23d651fe68f0a\
            f33cb97abe1e08c47287358f5c55827df1d1b1a4fa8cfc37711c2db998c475f0f066a9ce36fbefaa6fb125e3d5336963\
            eefba1f8736ae31d6e461e0d11a25cd6ed909a22afd9d6906cdb16374e115049ec25924cec48ca036b700e618a8043bc\
            eaba8a7628b7bd766a05068bc6ef372fe94f82a06526b0e96899feb5035e2aa2e7e47acaa195a45c672ef6df3fcd1e15\
            e67972f4de0497cf65c3ef097c3c1188e50e6b1e1a738b426458e733b8ab04fbe3a3634856e27eb562eddf5df519f86e\
            e2385b72935172286182d7873188ebe1e0cd539ccfc0659b6017cfb16df7df54df624bc60c2f590e5eacc7dbaa66d2c7\
            ddf743f0489e4c815d41c005e6d5c63adc8c3c1a850d3ff45bd6b82f2344b9addb213444c17c33675a6bb0595fb3ad20\
            d9b62c6efdeb26da5900a8839c22a093d84b24983a5a1a4d5795a0add8919406d6e01cc276c90dc0562a98d715008779\
            d57514ecb338013354bf9101516f7aecd40a0d16efa6f4a65354892b
            """),
        Vector(
            .digest(mask: 0x8000_0000_0000_0001, [usual, largest]), claims: doubts,
            """
            010002076172676f6e6e65026e31006553f1000000020103622d32066c6f67696e30ffffffffffffffff040380000000\
            0000000100020123456789abcdef006553f1000000030000010200010001ffffffffffffffffffffffffffffffffffff\
            ffffffffffff
            """),
        Vector(
            .delta(Delta(items: items, wants: [usual, largest], isNews: true)), claims: doubts,
            """
            010002076172676f6e6e65026e31006553f1000000020103622d32066c6f67696e30ffffffffffffffff040401000003\
            0123456789abcdef01006553f100000000030000000d6f6e652e74776f2e746872656500000000000000070200000000\
            09ffffffff00000003ff0080ffffffffffffffff03ffffffffff000000010000000000020123456789abcdef006553f1\
            000000030000010200010001ffffffffffffffffffffffffffffffffffffffffffffffff
            """),
        Vector(.delta(Delta(hasMore: true)), "01000004000100000000"),
        Vector(
            .announce([largest, usual]), claims: doubts,
            """
            010002076172676f6e6e65026e31006553f1000000020103622d32066c6f67696e30ffffffffffffffff04050002ffff\
            ffffffffffffffffffffffffffffffffffffffffffff0123456789abcdef006553f1000000030000010200010001
            """),
        Vector(
            .ping, claims: doubts,
            "010002076172676f6e6e65026e31006553f1000000020103622d32066c6f67696e30ffffffffffffffff0406"),
        Vector(
            .probe(target), claims: doubts,
            """
            010002076172676f6e6e65026e31006553f1000000020103622d32066c6f67696e30ffffffffffffffff040706746172\
            676574026e31
            """),
        Vector(
            .probeResult(target, reachable: true), claims: doubts,
            """
            010002076172676f6e6e65026e31006553f1000000020103622d32066c6f67696e30ffffffffffffffff040806746172\
            676574026e3101
            """),
        Vector(.probeResult(target, reachable: false), "0100000806746172676574026e3100"),
        Vector(
            .ack, claims: everyState,
            """
            010005027330016e000000010000000100027331016e000000010000000101027332016e000000010000000102027333\
            016e000000010000000103027334016e00000001000000010409
            """),
        Vector(.ack, "01000009"),
    ]
}
