/// Takes the chunked coding (RFC 9112 §7.1) off a body as it comes. Chunk extensions and trailers are checked, counted
/// against a limit and dropped; sizes are hexadecimal digits and nothing else.
public struct ChunkDecoder: Sendable {
    /// What one call made of its bytes.
    public struct Step: Sendable {
        /// Bytes used up, framing and data.
        public var consumed: Int
        /// The payload among them, as offsets into the bytes given; may be empty.
        public var data: Range<Int>
        /// Whether the body is complete; bytes after `consumed` belong to the next message.
        public var finished: Bool
    }

    /// Bytes of chunk extensions allowed in one body.
    public static let extensionBytesLimit = 16_384
    /// Bytes of trailer fields allowed.
    public static let trailerBytesLimit = 8_192
    /// More digits could overflow; fifteen are an exabyte.
    static let sizeDigitsLimit = 15

    enum State: UInt8 {
        case size, extensionStart, extensionText, sizeLF, data, dataCR, dataLF
        case trailerStart, trailerName, trailerValue, trailerLF, endLF, finished
    }

    private var state = State.size
    private var left = 0
    private var digits = 0
    public private(set) var extensionBytes = 0
    public private(set) var trailerBytes = 0

    public init() {}

    /// Makes it ready for another body.
    public mutating func reset() { self = ChunkDecoder() }

    /// Reads on. Call it repeatedly, each time with the bytes after those consumed: a step gives at most one run of data,
    /// and consumes nothing only if there are no bytes or the body is finished.
    public mutating func step(_ bytes: UnsafeRawBufferPointer) throws(HTTPSyntaxError) -> Step {
        guard let pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            return Step(consumed: 0, data: 0..<0, finished: state == .finished)
        }
        let count = bytes.count
        var at = 0
        var data = 0..<0
        while at < count, state != .finished {
            if state == .data {
                if !data.isEmpty { break }
                let run = min(left, count &- at)
                data = at..<(at &+ run)
                at &+= run
                left &-= run
                if left == 0 { state = .dataCR }
            } else {
                try framing(pointer[at])
                at &+= 1
            }
        }
        return Step(consumed: at, data: data, finished: state == .finished)
    }

    private mutating func framing(_ byte: UInt8) throws(HTTPSyntaxError) {
        switch state {
        case .size:
            if let digit = ByteClass.hexDigit(byte) {
                guard digits < Self.sizeDigitsLimit else {
                    throw bad("a chunk size of more than fifteen digits (RFC 9112 §7.1)")
                }
                digits &+= 1
                left = left &<< 4 | Int(digit)
            } else {
                guard digits > 0, byte == 13 || byte == 0x3B else {
                    throw bad("a chunk size that is not hexadecimal digits and CRLF (RFC 9112 §7.1)")
                }
                state = byte == 13 ? .sizeLF : .extensionStart
            }
        case .sizeLF:
            guard byte == 10 else { throw bad("a bare CR after a chunk size (RFC 9112 §7.1)") }
            digits = 0
            state = left == 0 ? .trailerStart : .data
        case .extensionStart, .extensionText: try extensionByte(byte)
        case .dataCR:
            guard byte == 13 else { throw bad("chunk data longer than its size (RFC 9112 §7.1)") }
            state = .dataLF
        case .dataLF:
            guard byte == 10 else { throw bad("a bare CR after chunk data (RFC 9112 §7.1)") }
            state = .size
        case .endLF:
            guard byte == 10 else { throw bad("a bare CR at the end of a chunked body (RFC 9112 §7.1)") }
            state = .finished
        default: try trailerByte(byte)
        }
    }

    private mutating func extensionByte(_ byte: UInt8) throws(HTTPSyntaxError) {
        extensionBytes &+= 1
        guard extensionBytes <= Self.extensionBytesLimit else { throw bad("too many bytes of chunk extensions") }
        if state == .extensionStart {
            // White space may stand before the name (RFC 9112 §7.1.1), but there must be a name.
            if byte == 32 || byte == 9 { return }
            guard ByteClass.isToken(byte) else { throw bad("a chunk extension without a name (RFC 9112 §7.1.1)") }
            state = .extensionText
        } else if byte == 13 {
            state = .sizeLF
        } else if ByteClass.isForbiddenInValue(byte) {
            throw bad("a control byte in a chunk extension (RFC 9112 §7.1.1)")
        }
    }

    private mutating func trailerByte(_ byte: UInt8) throws(HTTPSyntaxError) {
        if state == .trailerStart, byte == 13 {
            state = .endLF
            return
        }
        trailerBytes &+= 1
        guard trailerBytes <= Self.trailerBytesLimit else { throw bad("the trailers are too large", status: 431) }
        switch state {
        case .trailerStart:
            guard ByteClass.isToken(byte) else { throw bad("a trailer that does not begin with a name (RFC 9112 §7.1.2)") }
            state = .trailerName
        case .trailerName:
            if byte == 0x3A { state = .trailerValue; return }
            guard ByteClass.isToken(byte) else { throw bad("a byte not allowed in a trailer's name (RFC 9112 §7.1.2)") }
        case .trailerValue:
            if byte == 13 { state = .trailerLF; return }
            guard !ByteClass.isForbiddenInValue(byte) else { throw bad("a control byte in a trailer (RFC 9110 §5.5)") }
        default:
            guard byte == 10 else { throw bad("a bare CR in a trailer (RFC 9112 §2.2)") }
            state = .trailerStart
        }
    }

    private func bad(_ reason: String, status: Int = 400) -> HTTPSyntaxError {
        HTTPSyntaxError(status: status, reason: reason)
    }
}
