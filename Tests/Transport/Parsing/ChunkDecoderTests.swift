import Testing
import Transport

struct ChunkCase: Sendable, CustomTestStringConvertible {
    let text: String
    /// The payload and how many bytes are left over; nil: refused.
    let payload: String?
    let leftOver: Int
    init(_ text: String, _ payload: String?, leftOver: Int = 0) {
        self.text = text
        self.payload = payload
        self.leftOver = leftOver
    }
    var testDescription: String { text.debugDescription }
}

/// The payload, how many bytes were used and whether it ended; nil: refused.
func decodeChunks(_ pieces: [ArraySlice<UInt8>]) -> (payload: [UInt8], used: Int, finished: Bool)? {
    var decoder = ChunkDecoder()
    var payload: [UInt8] = [], used = 0
    for piece in pieces {
        var rest = piece
        while !rest.isEmpty {
            let input = Array(rest)
            var step: ChunkDecoder.Step?
            input.withUnsafeBytes { raw in step = try? decoder.step(raw) }
            guard let step else { return nil }
            payload += input[step.data]
            used += step.consumed
            rest = rest.dropFirst(step.consumed)
            if step.finished { return (payload, used, true) }
            precondition(step.consumed > 0, "no progress")
        }
    }
    return (payload, used, false)
}

@Suite struct ChunkDecoderTests {
    static let cases: [ChunkCase] = [
        ChunkCase("0\r\n\r\n", ""),
        ChunkCase("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ChunkCase("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
        ChunkCase("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ChunkCase("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ChunkCase("0005\r\nhello\r\n000\r\n\r\n", "hello"),
        ChunkCase("5\r\nhello\r\n0\r\n\r\nGET /", "hello", leftOver: 5),
        ChunkCase("5\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n"),
        ChunkCase("5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello"),
        ChunkCase("5; a=\"x;y\"\r\nhello\r\n0\r\n\r\n", "hello"),
        ChunkCase("0\r\nX: y\r\nZ:\r\n\r\n", ""),
        ChunkCase("0\r\nContent-Length: 50\r\n\r\n", ""),
        ChunkCase("5;\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("5;a\nb\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("5;a\rb\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("5;a\0\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("5\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("5\r\nhello\n0\r\n\r\n", nil),
        ChunkCase("5\r\nhello0\r\n\r\n", nil),
        ChunkCase("5\r\nhello\r0\r\n\r\n", nil),
        ChunkCase("5\rhello\r\n0\r\n\r\n", nil),
        ChunkCase("4\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("\r\n5\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase(" 5\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("5 \r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("5 ;a\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("0x5\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("+5\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("-5\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("0_2e\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("5g\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("g\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase(";a\r\nhello\r\n0\r\n\r\n", nil),
        ChunkCase("1000000000000000\r\n", nil),
        ChunkCase("ffffffffffffffff\r\n", nil),
        ChunkCase("0\r\n\n", nil),
        ChunkCase("0\r\nX: y\n\r\n", nil),
        ChunkCase("0\r\nX : y\r\n\r\n", nil),
        ChunkCase("0\r\n X: y\r\n\r\n", nil),
        ChunkCase("0\r\nX: a\0\r\n\r\n", nil),
        ChunkCase("0\r\n: y\r\n\r\n", nil),
        ChunkCase("0\r\nXY\r\n\r\n", nil),
    ]

    @Test(arguments: cases) func table(_ each: ChunkCase) {
        let input = bytes(each.text)
        var feeds: [[ArraySlice<UInt8>]] = [[input[...]], input.indices.map { input[$0...$0] }]
        for cut in input.indices { feeds.append([input[..<cut], input[cut...]]) }
        for feed in feeds {
            let result = decodeChunks(feed)
            #expect(result.map { String(decoding: $0.payload, as: UTF8.self) } == each.payload)
            if let result { #expect(result.finished && result.used == input.count - each.leftOver) }
        }
    }

    @Test func bounded() {
        let extensions = "5;" + String(repeating: "a", count: ChunkDecoder.extensionBytesLimit) + "\r\n"
        #expect(decodeChunks([bytes(extensions)[...]]) == nil)
        let some = String(repeating: "1;abcdefgh\r\nx\r\n", count: ChunkDecoder.extensionBytesLimit / 8)
        #expect(decodeChunks([bytes(some)[...]]) == nil)
        let trailers = "0\r\n" + String(repeating: "X: y\r\n", count: ChunkDecoder.trailerBytesLimit / 5)
        #expect(decodeChunks([bytes(trailers)[...]]) == nil)
        #expect(decodeChunks([bytes("fffffffffffffff\r\n")[...]])?.finished == false)
    }
}
