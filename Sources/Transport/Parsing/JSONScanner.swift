/// What a JSON value is, told by its first byte.
public enum JSONKind: UInt8, Sendable {
    case object, array, string, number, bool, null
}

/// Bytes that are not the JSON expected.
public struct JSONSyntaxError: Error, Equatable {
    /// Where in the bytes given it was noticed.
    public var offset: Int
    public var reason: String

    public init(offset: Int, reason: String) {
        self.offset = offset
        self.reason = reason
    }
}

/// Is shown the members of one object, in their order, each after its value was found valid.
public protocol JSONFieldVisitor {
    /// - Parameters:
    ///   - key: the range inside the quotes, escapes undecoded.
    ///   - value: the range of the whole value, of a string with its quotes.
    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError)
}

/// Reads JSON (RFC 8259) without decoding or allocating: all of it is validated, UTF-8 and escapes too, and the members of
/// one object are shown to a visitor.
public enum JSONScanner {
    /// How deep arrays and objects may nest, the outermost counted as one.
    public static let depthLimit = 128

    /// The whole text must be one object.
    public static func object(
        _ bytes: UnsafeRawBufferPointer, visitor: inout some JSONFieldVisitor
    ) throws(JSONSyntaxError) {
        try object(bytes, in: 0..<bytes.count, visitor: &visitor)
    }

    /// The text in `range` must be one object: one that a visitor was shown. Ranges given on are into `bytes`.
    public static func object(
        _ bytes: UnsafeRawBufferPointer, in range: Range<Int>, visitor: inout some JSONFieldVisitor
    ) throws(JSONSyntaxError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "a range outside the bytes")
        guard let pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            throw JSONSyntaxError(offset: 0, reason: "empty where a JSON object should be")
        }
        var walker = JSONWalker(pointer: pointer, at: range.lowerBound, end: range.upperBound)
        var more = try walker.openWholeObject()
        while more {
            let key = try walker.key()
            let start = walker.at
            let kind = walker.kind
            try walker.value(depth: 1)
            try visitor.field(key: key, value: start..<walker.at, kind: kind)
            more = try walker.nextMember()
        }
        try walker.finish()
    }

    /// Shows the elements of the array in `range`, one that a visitor was shown, in their order. Ranges given on are into `bytes`.
    public static func array(
        _ bytes: UnsafeRawBufferPointer, in range: Range<Int>,
        element: (Range<Int>, JSONKind) throws(JSONSyntaxError) -> Void
    ) throws(JSONSyntaxError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "a range outside the bytes")
        guard let pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            throw JSONSyntaxError(offset: 0, reason: "empty where a JSON array should be")
        }
        var walker = JSONWalker(pointer: pointer, at: range.lowerBound, end: range.upperBound)
        guard walker.kind == .array else { throw walker.fail("not a JSON array") }
        walker.at &+= 1
        walker.skipSpace()
        guard walker.at < walker.end else { throw walker.fail("the JSON ends inside an array") }
        if pointer[walker.at] == 0x5D { return }
        while true {
            let start = walker.at
            let kind = walker.kind
            try walker.value(depth: 2)
            try element(start..<walker.at, kind)
            walker.skipSpace()
            guard walker.at < walker.end else { throw walker.fail("the JSON ends inside an array") }
            if pointer[walker.at] == 0x5D { return }
            guard pointer[walker.at] == 0x2C else { throw walker.fail("a comma or a closing bracket should be here") }
            walker.at &+= 1
            walker.skipSpace()
        }
    }

    /// The text of a string that was found valid, its escapes decoded; `range` is inside the quotes.
    public static func text(_ bytes: UnsafeRawBufferPointer, in range: Range<Int>) -> String {
        let raw = UnsafeRawBufferPointer(rebasing: bytes[range])
        guard raw.contains(0x5C) else { return String(decoding: raw, as: UTF8.self) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(raw.count)
        var at = 0
        while at < raw.count {
            guard raw[at] == 0x5C, at + 1 < raw.count else {
                decoded.append(raw[at])
                at += 1
                continue
            }
            var scalar = JSONWalker.escaped(raw, &at)
            if scalar & 0xFC00 == 0xD800, at < raw.count {
                scalar = 0x10000 + ((scalar & 0x3FF) << 10 | JSONWalker.escaped(raw, &at) & 0x3FF)
            }
            decoded.append(contentsOf: String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}
