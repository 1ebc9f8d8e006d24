/// One field of a head, as offsets into the bytes that were parsed.
public struct HTTPField: Sendable {
    public let name: HTTPFieldName
    private let nameStart: UInt32
    private let nameEnd: UInt32
    private let valueStart: UInt32
    private let valueEnd: UInt32

    @inline(__always)
    init(name: HTTPFieldName, nameRange: Range<Int>, valueRange: Range<Int>) {
        self.name = name
        nameStart = UInt32(truncatingIfNeeded: nameRange.lowerBound)
        nameEnd = UInt32(truncatingIfNeeded: nameRange.upperBound)
        valueStart = UInt32(truncatingIfNeeded: valueRange.lowerBound)
        valueEnd = UInt32(truncatingIfNeeded: valueRange.upperBound)
    }

    /// The name as it was written, without the colon.
    public var nameRange: Range<Int> { Range(uncheckedBounds: (Int(nameStart), Int(nameEnd))) }
    /// The value without the white space around it; may be empty.
    public var valueRange: Range<Int> { Range(uncheckedBounds: (Int(valueStart), Int(valueEnd))) }
}

/// The request methods told apart here. Methods are case-sensitive (RFC 9110 §9.1): `get` is `other`.
public enum HTTPMethod: UInt8, Sendable {
    case get, head, post, put, delete, patch, options, other
}

/// How large a head may be.
public struct HTTPLimits: Sendable {
    /// Bytes from the first of the request line to the last CRLF; past it 431, or 414 inside the request line.
    public var headBytes = 65_536
    /// Field lines; past it 431.
    public var fields = 128

    public init() {}
}

/// Bytes that are not HTTP/1.1 as this program accepts it. The connection is closed after answering.
public struct HTTPSyntaxError: Error, Equatable {
    /// The status to answer with: 400, 414, 417, 431, 505; 502 where the fault is in a server's response head.
    public var status: Int
    /// What was found, in words for whoever wrote the client, with the section of the RFC.
    public var reason: String

    public init(status: Int, reason: String) {
        self.status = status
        self.reason = reason
    }
}
