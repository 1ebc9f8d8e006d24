@testable import Globus
import Testing

/// Hostile and unusual pickles; those that Python writes are in the golden vectors.
@Suite struct PickleTests {
    static func bytes(_ parts: Any...) -> [UInt8] {
        parts.flatMap { part -> [UInt8] in
            switch part {
            case let text as String: Array(text.utf8)
            case let byte as Int: [UInt8(byte)]
            case let bytes as [UInt8]: bytes
            default: []
            }
        }
    }

    static let plain: [(bytes: [UInt8], value: WireValue)] = [
        (bytes("K", 7, "."), .integer(7)), (bytes("M", 1, 2, "."), .integer(513)),
        (bytes("J", 0xFE, 0xFF, 0xFF, 0xFF, "."), .integer(-2)),
        (bytes(0x8A, 0, "."), .integer(0)), (bytes(0x8A, 1, 0x80, "."), .integer(-128)),
        (bytes(0x8A, 2, 0xFF, 0, "."), .integer(255)),
        (bytes(0x8A, 8, [UInt8](repeating: 0, count: 7), 0x80, "."), .integer(.min)),
        (bytes(0x8A, 9, [UInt8](repeating: 0, count: 7), 0x80, 0, "."), .largeInteger("9223372036854775808")),
        (bytes(0x8A, 9, [UInt8](repeating: 0, count: 8), 0xFF, "."), .largeInteger("-18446744073709551616")),
        (bytes(0x8B, 1, 0, 0, 0, 5, "."), .integer(5)),
        (bytes("G", 0x7F, 0xF0, 0, 0, 0, 0, 0, 0, "."), .null), (bytes("G", 0xC0, 0, 0, 0, 0, 0, 0, 0, "."), .double(-2)),
        (bytes(0x8D, 1, 0, 0, 0, 0, 0, 0, 0, "a."), .string("a")),
        (bytes(0x8E, 1, 0, 0, 0, 0, 0, 0, 0, 0xFF, "."), .bytes([255])),
        (bytes("B", 1, 0, 0, 0, 0xFF, "."), .bytes([255])), (bytes(0x8C, 3, 0xED, 0xA0, 0xBD, "."), .string("\u{FFFD}")),
        // A container that is filled after it was named: both are one.
        (bytes("(]", 0x94, "h", 0, "K", 1, "at."), .tuple([.list([.integer(1)]), .list([.integer(1)])])),
        (bytes("]q", 5, "j", 5, 0, 0, 0, "0", "K", 1, "a."), .list([.integer(1)])),
        (bytes("(0K", 1, "."), .integer(1)),
        // 1, True and 1.0 are one key; 2 is another.
        (
            bytes("}(K", 1, "N", 0x88, "K", 5, "G", 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, "K", 6, "K", 2, "Nu."),
            .dictionary([WirePair(key: .integer(1), value: .integer(6)), WirePair(key: .integer(2), value: .null)])
        ),
        (bytes("}K", 1, 0x85, "Ns."), .dictionary([WirePair(key: .tuple([.integer(1)]), value: .null)])),
        // What stands behind STOP is not looked at, as in Python.
        (bytes("N.rest"), .null),
    ]

    @Test(arguments: plain)
    func reads(bytes: [UInt8], value: WireValue) throws { #expect(try PickleReader.read(bytes) == value) }

    static let refused: [(bytes: [UInt8], code: WireError.Code, words: String)] = [
        (bytes("cposix\nsystem\n(S'x'\ntR."), .unsupported, "posix.system: the opcode GLOBAL at byte 0"),
        (bytes(0x8C, 2, "os", 0x8C, 6, "system", 0x93, "."), .unsupported, "os.system: the opcode STACK_GLOBAL"),
        (bytes("K", 1, "K", 2, 0x93, "."), .unsupported, "the opcode STACK_GLOBAL"),
        (bytes("c"), .unsupported, "the opcode GLOBAL"),
        (bytes("(ios\nsystem\n."), .unsupported, "os.system: the opcode INST"),
        (bytes("c\u{1B}[2J\nx\n."), .unsupported, "?[2J.x"),
        (bytes(0x82, 1, "."), .unsupported, "EXT1"), (bytes(0x81), .unsupported, "NEWOBJ"),
        (bytes("R"), .unsupported, "REDUCE"),
        (bytes("Pid\n."), .unsupported, "PERSID"), (bytes(0x8F, "."), .unsupported, "EMPTY_SET"),
        (bytes("I01\n."), .unsupported, "INT"),
        (bytes(0x96, 0, 0, 0, 0, 0, 0, 0, 0, "."), .unsupported, "BYTEARRAY8"),
        (bytes(0x80, 6, "N."), .unsupported, "protocol 6"),
        (bytes("]", 0x94, "h", 0, "a."), .unsupported, "holds itself"),
        (bytes("}", 0x94, "K", 1, "h", 0, "s."), .unsupported, "holds itself"),
        (bytes("]", 0x94, "h", 0, 0x85, "a."), .unsupported, "holds itself"),
        (bytes(""), .malformed, "ends too early"), (bytes("."), .malformed, "STOP"), (bytes("NN."), .malformed, "STOP"),
        (bytes("N(."), .malformed, "STOP"), (bytes("a"), .malformed, "missing"), (bytes("](a."), .malformed, "missing"),
        (bytes("]N(a."), .malformed, "missing"), (bytes("NNa."), .malformed, "not a list"),
        (bytes("]NNs."), .malformed, "not a dictionary"),
        (bytes("}(Nu."), .malformed, "key without a value"), (bytes("e"), .malformed, "mark"),
        (bytes("h", 0), .malformed, "memo"),
        (bytes(0x94), .malformed, "missing"), (bytes("N", 0x86, "."), .malformed, "missing"),
        (bytes("}]Ns."), .malformed, "key"),
        (bytes("}]", 0x85, "Ns."), .malformed, "key"), (bytes(0x8C, 2, "a"), .malformed, "ends too early"),
        (bytes(0x8D, [UInt8](repeating: 0xFF, count: 8)), .malformed, "ends too early"),
        (bytes(0x8E, 0, 0, 0, 0, 0, 0, 0, 0x80), .malformed, "ends too early"),
        (bytes("X", 0xFF, 0xFF, 0xFF, 0x7F, "a"), .malformed, "ends too early"),
        (bytes(0x8C, 1, 0xFF, "."), .malformed, "UTF-8"),
        (bytes(0x95, 1, 0, 0, 0, 0, 0, 0, 0x80, "N."), .malformed, "ends too early"),
        (bytes(0x95, 9, 0, 0, 0, 0, 0, 0, 0, "N."), .malformed, "frame"),
        (bytes(0xFF), .malformed, "no opcode"),
    ]

    @Test(arguments: refused)
    func refuses(bytes: [UInt8], code: WireError.Code, words: String) {
        let error = #expect(throws: WireError.self) { try PickleReader.read(bytes) }
        #expect(error?.code == code)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    /// Lists of ten times the list before: 10^n values out of 25 n bytes.
    static func laughs(_ levels: Int, leaf: [UInt8]) -> [UInt8] {
        var pickle = bytes("]", 0x94, leaf, "a")
        for level in 0..<levels {
            pickle += bytes("0]", 0x94, "(")
            for _ in 0..<10 { pickle += bytes("h", level) }
            pickle += bytes("e")
        }
        return pickle + bytes(".")
    }

    @Test func valuesNamedAgainAndAgain() throws {
        var few = WireLimits()
        few.items = 1000
        #expect(throws: Never.self) { try PickleReader.read(Self.laughs(2, leaf: Self.bytes("K", 1)), limits: few) }
        for levels in [3, 9, 60, 200] {
            let error = #expect(throws: WireError.self) {
                try PickleReader.read(Self.laughs(levels, leaf: Self.bytes("K", 1)), limits: few)
            }
            #expect(error?.code == .limitExceeded)
        }
        #expect(throws: WireError.self) { try PickleReader.read(Self.laughs(60, leaf: Self.bytes("K", 1))) }
        few.items = 100_000
        few.expandedBytes = 1000
        let leaf = Self.bytes(0x8C, 20, String(repeating: "a", count: 20))
        #expect(throws: Never.self) { try PickleReader.read(Self.laughs(1, leaf: leaf), limits: few) }
        #expect(throws: WireError.self) { try PickleReader.read(Self.laughs(2, leaf: leaf), limits: few) }
    }

    /// Tuples of the tuple before twice: as a key they would be hashed whole.
    @Test func tuplesNamedTwiceAsAKey() {
        var pickle = Self.bytes("}(K", 1, 0x94)
        for level in 0..<100 { pickle += Self.bytes("0h", level, "h", level, 0x86, 0x94) }
        let error = #expect(throws: WireError.self) { try PickleReader.read(pickle + Self.bytes("Nu.")) }
        #expect(error?.code == .limitExceeded)
    }

    @Test func limits() throws {
        func nested(_ levels: Int) -> [UInt8] {
            Self.bytes([UInt8](repeating: 0x5D, count: levels), [UInt8](repeating: 0x61, count: levels - 1), ".")
        }
        let depth = WireLimits.default.depth
        #expect(throws: Never.self) { try PickleReader.read(nested(depth)) }
        #expect(throws: WireError.self) { try PickleReader.read(nested(depth + 1)) }
        #expect(throws: WireError.self) { try PickleReader.read(nested(200_000)) }
        // Already built tuples go no deeper either.
        let tuples = Self.bytes("N", [UInt8](repeating: 0x85, count: 200_000), ".")
        #expect(throws: WireError.self) { try PickleReader.read(tuples) }

        var few = WireLimits()
        few.memoEntries = 2
        #expect(throws: Never.self) { try PickleReader.read(Self.bytes("Nq", 1, "q", 1, "q", 2, "."), limits: few) }
        #expect(throws: WireError.self) { try PickleReader.read(Self.bytes("Nq", 1, "q", 2, "q", 3, "."), limits: few) }
        few.items = 3
        #expect(throws: Never.self) { try PickleReader.read(Self.bytes("]NaNa."), limits: few) }
        #expect(throws: WireError.self) { try PickleReader.read(Self.bytes("]NaNaNa."), limits: few) }
        #expect(throws: WireError.self) { try PickleReader.read(Self.bytes("NNNN0000"), limits: few) }
        #expect(throws: WireError.self) { try PickleReader.read(Self.bytes("(((("), limits: few) }
        #expect(throws: Never.self) { try PickleReader.read(Self.bytes("N0N0N."), limits: few) }
        #expect(throws: WireError.self) { try PickleReader.read(Self.bytes("N0N0N0N."), limits: few) }
        few.bytes = 3
        #expect(throws: Never.self) { try PickleReader.read(Self.bytes("K", 1, "."), limits: few) }
        #expect(throws: WireError.self) { try PickleReader.read(Self.bytes("M", 1, 1, "."), limits: few) }
    }

    @Test func integersOfAnySize() throws {
        // 10^1023 has 1024 digits and 425 bytes; by repeated multiplication in bytes.
        var power: [UInt8] = [1]
        for _ in 0..<1023 {
            var carry = 0
            for index in power.indices {
                carry += Int(power[index]) * 10
                power[index] = UInt8(carry & 0xFF)
                carry >>= 8
            }
            if carry > 0 { power.append(UInt8(carry)) }
        }
        func pickle(_ bytes: [UInt8]) -> [UInt8] {
            Self.bytes(0x8B, bytes.count & 0xFF, bytes.count >> 8, 0, 0, bytes, 0x2E)
        }
        let digits = "1" + String(repeating: "0", count: 1023)
        #expect(try PickleReader.read(pickle(power + [0])) == .largeInteger(digits))
        #expect(throws: WireError.self) { try PickleReader.read(pickle([0] + power + [0])) }
        #expect(throws: WireError.self) { try PickleReader.read(pickle([UInt8](repeating: 0x7F, count: 60_000))) }
    }
}
