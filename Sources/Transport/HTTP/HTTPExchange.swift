import Glibc

/// One request and its answer, on the connection they travel on. Reused for each request; never leaves its worker.
public final class HTTPExchange {
    public let stream: Stream
    public let worker: WorkerContext
    let service: HTTPService

    /// The request's head; its ranges are offsets into `headBytes`.
    public internal(set) var head = HTTPHead(.request)

    // Request body. Offsets are relative to the start of the stream's input.
    var body = BodyProgress()
    var detachedHead: [UInt8]?
    var budgetTaken = 0

    // Answer.
    enum Answer { case none, head, body, done }
    var answer = Answer.none
    var isChunked = false
    var omitsBody = false
    var lengthLeft = 0
    /// Room for whoever relays an answer; kept over requests.
    public var scratch = ByteBuffer()
    /// The answer is a stream of events, written whole: between them a comment may be said.
    public var answersWithEvents = false
    /// What a module above keeps with this connection, over its requests.
    public var attachment: AnyObject?
    /// Says that the answer is still to come; made when first asked for.
    var interim: InterimTimer?
    /// The connection ends with this answer.
    public var closesAfter = false
    /// Status of the answer sent, 0 before.
    public internal(set) var status = 0
    /// Bytes of the answer's body sent.
    public internal(set) var bytesSent = 0
    /// The answer's head is written: no other one can be made, and nothing but its body can follow.
    public var headIsOut: Bool { answer == .body || answer == .done }
    /// Monotonic nanoseconds when the head was complete.
    public internal(set) var startedAt: UInt64 = 0

    init(stream: Stream, service: HTTPService, worker: WorkerContext) {
        self.stream = stream
        self.service = service
        self.worker = worker
    }

    func begin() {
        stream.clearInterruption()
        head.reset()
        body = BodyProgress()
        detachedHead = nil
        answer = .none
        isChunked = false
        omitsBody = false
        lengthLeft = 0
        status = 0
        bytesSent = 0
        answersWithEvents = false
        startedAt = worker.loop.now
    }

    /// The bytes that the head's ranges point into; valid until the next read from the client.
    public var headBytes: UnsafeRawBufferPointer {
        stream.input.readable
    }

    /// Calls `body` with the head's bytes, also after the request's body was streamed.
    public func withHead<Result>(_ body: (borrowing HTTPHead, UnsafeRawBufferPointer) -> Result) -> Result {
        if let detachedHead { return detachedHead.withUnsafeBytes { body(head, $0) } }
        return body(head, stream.input.readable)
    }

    /// A header field's value as text; nil without the field.
    public func text(_ name: HTTPFieldName) -> String? {
        withHead { head, bytes in head.first(name).map { String(decoding: bytes[$0], as: UTF8.self) } }
    }

    /// The values of all header fields of a name, in order; together they are one list (RFC 9110 §5.3).
    public func texts(_ name: HTTPFieldName) -> [String] {
        withHead { head, bytes in
            head.fields.filter { $0.name == name }.map { String(decoding: bytes[$0.valueRange], as: UTF8.self) }
        }
    }

    /// A header field's value as text, by its name in lower case.
    public func text(named name: StaticString) -> String? {
        withHead { head, bytes in head.first(named: name, in: bytes).map { String(decoding: bytes[$0], as: UTF8.self) } }
    }

    /// The values of all header fields of a name in lower case, in order.
    public func texts(named name: StaticString) -> [String] {
        withHead { head, bytes in
            head.fields.filter { equalsFolded(UnsafeRawBufferPointer(rebasing: bytes[$0.nameRange]), name) }.map {
                String(decoding: bytes[$0.valueRange], as: UTF8.self)
            }
        }
    }

    /// The target's path as sent, without the query.
    public func withPath<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withHead { head, bytes in
            var target = UnsafeRawBufferPointer(rebasing: bytes[head.target])
            if let first = target.first, first != UInt8(ascii: "/"), first != UInt8(ascii: "*") {
                target = Self.afterAuthority(target)
            }
            let end = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
            return body(UnsafeRawBufferPointer(rebasing: target[..<end]))
        }
    }

    public var path: String { withPath { String(decoding: $0, as: UTF8.self) } }

    /// A query parameter, percent-decoded; nil when it is not there or is not UTF-8.
    public func query(_ name: String) -> String? { queries(name, atMost: 1).first ?? nil }

    /// All values of a query parameter, percent-decoded, in order; nil for one that is not UTF-8.
    public func queries(_ name: String, atMost limit: Int) -> [String?] {
        withHead { head, bytes in
            let target = bytes[head.target]
            guard let mark = target.firstIndex(of: UInt8(ascii: "?")) else { return [] }
            var values: [String?] = []
            for pair in target[target.index(after: mark)...].split(separator: UInt8(ascii: "&")) where values.count < limit {
                let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                guard decodePercent(parts[0], plusIsSpace: true) == name else { continue }
                values.append(parts.count == 2 ? decodePercent(parts[1], plusIsSpace: true) : "")
            }
            return values
        }
    }

    /// The path of an absolute-form target (RFC 9112 §3.2.2).
    private static func afterAuthority(_ target: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var slashes = 0
        for (index, byte) in target.enumerated() where byte == UInt8(ascii: "/") {
            slashes += 1
            if slashes == 3 { return UnsafeRawBufferPointer(rebasing: target[index...]) }
        }
        return UnsafeRawBufferPointer(rebasing: target[target.count...])
    }

    /// True once the client is known to have gone.
    public var clientIsGone: Bool { stream.peerHungUp || !stream.isOpen || stream.hasFailed }
}

/// `%41` → `A`, and in a query `+` → space; nil when malformed or not UTF-8.
public func decodePercent(_ bytes: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String? {
    var decoded: [UInt8] = []
    var iterator = bytes.makeIterator()
    while let byte = iterator.next() {
        switch byte {
        case UInt8(ascii: "+") where plusIsSpace: decoded.append(32)
        case UInt8(ascii: "%"):
            guard let high = iterator.next().flatMap(hexadecimalDigit), let low = iterator.next().flatMap(hexadecimalDigit)
            else {
                return nil
            }
            decoded.append(high << 4 | low)
        default: decoded.append(byte)
        }
    }
    return String(validating: decoded, as: UTF8.self)
}

private func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
}
