import Globus
import Testing

/// The frames of our function's answers, in pieces of every size, and what is no frame.
@Suite struct AnswerFramesTests {
    static func frame(_ kind: AnswerFrames.Kind, _ payload: String) -> [UInt8] {
        frame(kind.rawValue, payload.utf8.count, payload)
    }

    static func frame(_ kind: UInt8, _ length: Int, _ payload: String) -> [UInt8] {
        [kind] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - $0 * 8)) } + Array(payload.utf8)
    }

    /// Everything that comes out of some bytes, given in pieces of one size: data joined, other frames in words.
    static func read(_ bytes: [UInt8], piece: Int) throws(AnswerFrames.Malformed) -> (
        words: [String], data: String, ended: Bool
    ) {
        var frames = AnswerFrames()
        var words: [String] = []
        var data: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let part = Array(bytes[start..<min(start + piece, bytes.count)])
            start += piece
            var position = 0
            reading: while true {
                let at = position
                var next = at
                var event = AnswerFrames.Event.needsMore
                var failure: AnswerFrames.Malformed?
                part.withUnsafeBytes { raw in
                    do throws(AnswerFrames.Malformed) { event = try frames.next(raw, &next) } catch { failure = error }
                }
                if let failure { throw failure }
                position = next
                switch event {
                case .needsMore: break reading
                case .data(let range): data += part[range]
                case .frame(let kind, let payload): words.append("\(kind) \(String(decoding: payload, as: UTF8.self))")
                }
            }
        }
        return (words, String(decoding: data, as: UTF8.self), frames.hasEnded)
    }

    @Test(arguments: [1, 2, 3, 5, 7, 64, 10_000])
    func anAnswerComesWholeInPiecesOfAnySize(_ piece: Int) throws {
        let text = String(repeating: "data: {\"x\":1}\n\n", count: 50)
        let bytes =
            Self.frame(.started, "{}") + Self.frame(.head, "{\"status\":200}") + Self.frame(.data, text)
            + Self.frame(.data, "") + Self.frame(.data, "tail") + Self.frame(.end, "{\"bytes\":754}")
        let read = try Self.read(bytes, piece: piece)
        #expect(read.words == ["started {}", "head {\"status\":200}", "end {\"bytes\":754}"])
        #expect(read.data == text + "tail")
        #expect(read.ended)
    }

    static let malformed: [(String, [UInt8])] = [
        ("unknown kind", frame(0x41, 1, "x")),
        ("data before the head", frame(.data, "x")),
        ("end before the head", frame(.end, "{}")),
        ("two heads", frame(.head, "{}") + frame(.head, "{}")),
        ("after the end", frame(.head, "{}") + frame(.end, "{}") + frame(.data, "x")),
        ("after an error", frame(.error, "{}") + frame(.started, "{}")),
        ("ten megabytes in one frame", frame(.head, "{}") + frame(0x44, 10 << 20, "x")),
        ("a note that is too long", frame(0x53, 65_537, "x")),
        ("a length of four gigabytes", frame(.head, "{}") + [0x44, 0xff, 0xff, 0xff, 0xff]),
    ]

    @Test(arguments: malformed)
    func whatIsNoAnswerIsRefused(_ name: String, _ bytes: [UInt8]) {
        #expect(throws: AnswerFrames.Malformed.self, "\(name)") { try Self.read(bytes, piece: 3) }
    }

    @Test func aCutAnswerHasNotEnded() throws {
        let bytes = Self.frame(.head, "{}") + Self.frame(.data, "abc")
        for cut in 0..<bytes.count { #expect(try !Self.read(Array(bytes[..<cut]), piece: 4).ended) }
    }
}
