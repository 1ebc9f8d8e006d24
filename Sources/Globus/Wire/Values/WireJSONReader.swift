/// Reads one JSON value. Goes down one call a level, so the depth limit bounds its stack.
struct WireJSONReader {
    let bytes: [UInt8]
    let limits: WireLimits
    var at = 0
    private var items = 0

    init(_ bytes: [UInt8], limits: WireLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func whole() throws(WireError) -> WireValue {
        skipSpace()
        let value = try value(depth: 1)
        skipSpace()
        guard at == bytes.count else { throw malformed("something after the value") }
        return value
    }

    func malformed(_ what: String) -> WireError { .malformed("not JSON at byte \(at): \(what)") }

    var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    mutating func skipSpace() {
        while at < bytes.count, WireJSON.isSpace(bytes[at]) { at += 1 }
    }

    mutating func value(depth: Int) throws(WireError) -> WireValue {
        items += 1
        guard items <= limits.items else { throw .limit("JSON with more than \(limits.items) values") }
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "N"): return try word("NaN", .null)
        case UInt8(ascii: "I"): return try word("Infinity", .null)
        case UInt8(ascii: "-") where at + 1 < bytes.count && bytes[at + 1] == UInt8(ascii: "I"):
            return try word("-Infinity", .null)
        case .some(let byte) where byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
            return try number()
        case nil: throw malformed("it ends where a value should be")
        default: throw malformed("no value begins like this")
        }
    }

    private mutating func word(_ word: StaticString, _ value: WireValue) throws(WireError) -> WireValue {
        let count = word.utf8CodeUnitCount
        guard at + count <= bytes.count, word.withUTF8Buffer({ bytes[at..<at + count].elementsEqual($0) }) else {
            throw malformed("no value begins like this")
        }
        at += count
        return value
    }

    private mutating func open(_ depth: Int) throws(WireError) {
        guard depth <= limits.depth else { throw .limit("JSON nested deeper than \(limits.depth)") }
        at += 1
        skipSpace()
    }

    /// After an element: whether another follows.
    private mutating func goesOn(closing: UInt8) throws(WireError) -> Bool {
        skipSpace()
        guard let byte = next else { throw malformed("it ends inside an array or an object") }
        at += 1
        if byte == closing { return false }
        guard byte == UInt8(ascii: ",") else { throw malformed("a comma should be there") }
        skipSpace()
        return true
    }

    private mutating func array(depth: Int) throws(WireError) -> WireValue {
        try open(depth)
        var elements: [WireValue] = []
        if next == UInt8(ascii: "]") {
            at += 1
            return .list([])
        }
        repeat { elements.append(try value(depth: depth + 1)) } while try goesOn(closing: UInt8(ascii: "]"))
        return .list(elements)
    }

    private mutating func object(depth: Int) throws(WireError) -> WireValue {
        try open(depth)
        var members = WireDictionary()
        if next == UInt8(ascii: "}") {
            at += 1
            return .dictionary([])
        }
        repeat {
            guard next == UInt8(ascii: "\"") else { throw malformed("a member's name should be there") }
            let name = try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw malformed("a colon should be there") }
            at += 1
            skipSpace()
            try members.set(.string(name), try value(depth: depth + 1))
        } while try goesOn(closing: UInt8(ascii: "}"))
        return .dictionary(members.pairs)
    }
}
