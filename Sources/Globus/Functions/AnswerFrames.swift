/// Reads the frames in which our function sends an answer back (docs/globus.md): one byte of kind, four of length, the payload.
///
/// Bytes come in pieces of any size. Data is handed on as it comes, before its frame is whole; the small frames are gathered.
public struct AnswerFrames: Sendable {
    public enum Kind: UInt8, Sendable {
        /// `S`: the function runs; JSON.
        case started = 0x53
        /// `H`: status and content type of the server's answer; JSON.
        case head = 0x48
        /// `D`: bytes of the answer.
        case data = 0x44
        /// `E`: what broke it; JSON. The last frame.
        case error = 0x45
        /// `Z`: the answer is whole; JSON. The last frame.
        case end = 0x5a
    }

    public enum Event: Sendable, Equatable {
        /// A whole small frame.
        case frame(Kind, [UInt8])
        /// A part of the input that is data of the answer.
        case data(Range<Int>)
        /// Nothing more without more input.
        case needsMore
    }

    /// Why the bytes are no frames.
    public struct Malformed: Error, Sendable, Equatable, CustomStringConvertible {
        public let reason: String
        public var description: String { reason }
    }

    /// Bytes of a frame of data: more in one line is no answer that anybody reads as it comes.
    public static let dataBytes = 1 << 20
    /// Bytes of any other frame.
    public static let noteBytes = 65_536

    private var header: [UInt8] = []
    private var kind = Kind.started
    private var left = 0
    private var note: [UInt8] = []
    private var isInside = false
    private var hasHead = false
    /// True after the last frame.
    public private(set) var hasEnded = false
    /// Bytes of data that came.
    public private(set) var dataCount = 0

    public init() {}

    /// Takes the next event out of `bytes` from `position` on, and moves `position` past what was taken.
    public mutating func next(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) throws(Malformed) -> Event {
        while true {
            if !isInside {
                while header.count < 5, position < bytes.count {
                    header.append(bytes[position])
                    position += 1
                }
                guard header.count == 5 else { return .needsMore }
                try begin()
            }
            if kind == .data {
                if left == 0 {
                    isInside = false
                    continue
                }
                let count = min(left, bytes.count - position)
                guard count > 0 else { return .needsMore }
                let range = position..<position + count
                position += count
                left -= count
                dataCount += count
                return .data(range)
            }
            let count = min(left, bytes.count - position)
            note.append(contentsOf: bytes[position..<position + count])
            position += count
            left -= count
            guard left == 0 else { return .needsMore }
            isInside = false
            if kind == .error || kind == .end { hasEnded = true }
            let payload = note
            note = []
            return .frame(kind, payload)
        }
    }

    private mutating func begin() throws(Malformed) {
        guard !hasEnded else { throw Malformed(reason: "a frame follows the last one") }
        guard let found = Kind(rawValue: header[0]) else { throw Malformed(reason: "a frame of unknown kind \(header[0])") }
        let length = header[1...].reduce(0) { $0 << 8 | Int($1) }
        let limit = found == .data ? Self.dataBytes : Self.noteBytes
        guard length <= limit else {
            throw Malformed(reason: "a frame of \(length) bytes, where \(limit) are allowed")
        }
        switch found {
        case .head:
            guard !hasHead else { throw Malformed(reason: "a second head") }
            hasHead = true
        case .data, .end:
            guard hasHead else { throw Malformed(reason: "data before the head") }
        case .started, .error: break
        }
        kind = found
        left = length
        isInside = true
        header.removeAll(keepingCapacity: true)
    }
}
