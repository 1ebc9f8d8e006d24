/// The head of a request or response, as offsets into the bytes it was parsed from. Made once a connection and reused:
/// the array of fields keeps its capacity, so that parsing allocates nothing.
public struct HTTPHead: ~Copyable {
    public enum Kind: Sendable { case request, response }

    /// How far the parser has come; the next call goes on from there.
    enum Phase { case start, fields, complete }

    let kind: Kind
    var phase = Phase.start
    /// Where the first line not yet parsed begins.
    var lineStart = 0
    /// Up to where that line was searched for its end.
    var searched = 0
    /// One bit for each `HTTPFieldName` seen.
    var present: UInt64 = 0
    var connectionClose = false
    var connectionKeepAlive = false
    var connectionNamesOthers = false

    /// Bytes of the complete head, from the first parsed (a tolerated leading CRLF too) to its final CRLF.
    public internal(set) var length = 0
    public internal(set) var method = HTTPMethod.other
    public internal(set) var methodRange = 0..<0
    /// The request target as sent: origin form, absolute form (`http://host/…`), or `*` with OPTIONS.
    public internal(set) var target = 0..<0
    /// 0 or 1, of HTTP/1.x.
    public internal(set) var minorVersion = 1
    /// The status of a response, 100 to 599; 0 in a request.
    public internal(set) var status = 0
    public internal(set) var fields: [HTTPField] = []
    /// Bytes of body that the head announces; nil: no Content-Length field.
    public internal(set) var contentLength: Int?
    public internal(set) var isChunked = false
    /// Whether the sender asked for `100 Continue` (RFC 9110 §10.1.1).
    public internal(set) var expectsContinue = false

    public init(_ kind: Kind) {
        self.kind = kind
        fields.reserveCapacity(32)
    }

    /// Whether the connection may carry another message, by version and Connection field (RFC 9112 §9.3). That a response
    /// without length ends with its connection is for the caller to know.
    public var keepAlive: Bool { !connectionClose && (minorVersion == 1 || connectionKeepAlive) }

    /// Forgets everything but the capacity. To be called between messages, and after an error.
    public mutating func reset() {
        phase = .start
        lineStart = 0
        searched = 0
        present = 0
        connectionClose = false
        connectionKeepAlive = false
        connectionNamesOthers = false
        length = 0
        method = .other
        methodRange = 0..<0
        target = 0..<0
        minorVersion = 1
        status = 0
        fields.removeAll(keepingCapacity: true)
        contentLength = nil
        isChunked = false
        expectsContinue = false
    }

    /// The value of the first field with a known name.
    public func first(_ name: HTTPFieldName) -> Range<Int>? {
        guard present & (1 &<< UInt64(name.rawValue)) != 0 else { return nil }
        for field in fields where field.name == name { return field.valueRange }
        return nil
    }

    /// The value of the first field with that name, for names that have no `HTTPFieldName`; `bytes` are those parsed.
    public func first(named lowercased: StaticString, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        guard let pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        for field in fields {
            let range = field.nameRange
            if range.upperBound <= bytes.count, equalsIgnoringCase(pointer + range.lowerBound, range.count, lowercased) {
                return field.valueRange
            }
        }
        return nil
    }

    /// Whether a field must not be passed on: hop-by-hop by its name, or named by a Connection field (RFC 9110 §7.6.1).
    public func isHopByHop(_ field: HTTPField, in bytes: UnsafeRawBufferPointer) -> Bool {
        if field.name.isHopByHop { return true }
        guard connectionNamesOthers, let pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            return false
        }
        let name = UnsafeBufferPointer(start: pointer + field.nameRange.lowerBound, count: field.nameRange.count)
        for other in fields where other.name == .connection {
            var found = false
            Self.eachListElement(pointer, other.valueRange) { element, count in
                found = found || count == name.count && (0..<count).allSatisfy { element[$0] | 0x20 == name[$0] | 0x20 }
            }
            if found { return true }
        }
        return false
    }
}
