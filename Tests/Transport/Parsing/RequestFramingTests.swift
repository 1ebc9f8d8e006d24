import Testing
import Transport

/// One request head and what must become of it: nil is accepted, a number is the status it is refused with.
struct FramingCase: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let status: Int?
    init(_ name: String, _ text: String, _ status: Int? = 400) {
        self.name = name
        self.text = text
        self.status = status
    }
    var testDescription: String { name }
}

private func withHost(_ fields: String) -> String { "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n" }

let requestCases: [FramingCase] = [
    // The request line (RFC 9112 §2.2, §3).
    FramingCase("plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", nil),
    FramingCase("1.0 without host", "GET / HTTP/1.0\r\n\r\n", nil),
    FramingCase("leading CRLF", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", nil),
    FramingCase("two leading CRLF", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("leading LF", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("leading CR", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("leading space", " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("TLS greeting", "\u{16}\u{3}\u{1}\u{2}"),
    FramingCase("NUL first", "\0GET / HTTP/1.1\r\n\r\n"),
    FramingCase("unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", nil),
    FramingCase("token method", "M-SEARCH!#$ / HTTP/1.1\r\nHost: a\r\n\r\n", nil),
    FramingCase("lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", nil),
    FramingCase("method with parenthesis", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("method with colon", "GET: / HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("method beyond ASCII", "GÉT / HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("empty target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("two spaces before target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("two spaces before version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("tab between", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("space after version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    FramingCase("space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("tab in target", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("NUL in target", "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("DEL in target", "GET /a\u{7f}b HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("target beyond ASCII", "GET /é HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("CR in target", "GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("query", "GET /a?b=c&d HTTP/1.1\r\nHost: a\r\n\r\n", nil),
    FramingCase("relative target", "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("absolute form", "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", nil),
    FramingCase("absolute form, https and port", "GET HTTPS://a:443/ HTTP/1.1\r\nHost: a\r\n\r\n", nil),
    FramingCase("absolute form without host", "GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("absolute form with user", "GET http://u@a/b HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("other scheme", "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("authority form", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", nil),
    FramingCase("asterisk with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("HTTP/0.9", "GET /\r\n\r\n"),
    FramingCase("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    FramingCase("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    FramingCase("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    FramingCase("HTTP/0.0", "GET / HTTP/0.0\r\nHost: a\r\n\r\n", 505),
    FramingCase("HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
    FramingCase("HTTP/1,1", "GET / HTTP/1,1\r\nHost: a\r\n\r\n"),
    FramingCase("lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n"),
    FramingCase("LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
    FramingCase("CR CR LF after the request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
    // Field lines (RFC 9112 §5).
    FramingCase("LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n"),
    FramingCase("LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
    FramingCase("CR in a value", withHost("X: a\rb")),
    FramingCase("CR LF smuggled by CR", withHost("X: a\r\rY: b")),
    FramingCase("NUL in a value", withHost("X: a\0b")),
    FramingCase("NUL CR in a value", withHost("X: a\0\r")),
    FramingCase("control in a long value", withHost("X: 0123456789012345\u{1}789")),
    FramingCase("DEL in a value", withHost("X: 01234567\u{7f}9")),
    FramingCase("tab in a value", withHost("X: 01234567\t9"), nil),
    FramingCase("bytes beyond ASCII in a value", withHost("X: caf\u{e9} and more"), nil),
    FramingCase("empty value", withHost("X:"), nil),
    FramingCase("blank value", withHost("X: \t "), nil),
    FramingCase("value without space", withHost("X:y"), nil),
    FramingCase("folded with space", withHost("X: a\r\n b")),
    FramingCase("folded with tab", withHost("X: a\r\n\tb")),
    FramingCase("folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    FramingCase("space before colon", withHost("X : a")),
    FramingCase("tab before colon", withHost("X\t: a")),
    FramingCase("space inside a name", withHost("X Y: a")),
    FramingCase("empty name", withHost(": a")),
    FramingCase("no colon", withHost("X")),
    FramingCase("NUL in a name", withHost("X\0Y: a")),
    FramingCase("parenthesis in a name", withHost("X(Y: a")),
    FramingCase("slash in a name", withHost("X/Y: a")),
    FramingCase("at sign in a name", withHost("Content@Length: 5")),
    FramingCase("name beyond ASCII", withHost("Xé: a")),
    FramingCase("odd but legal name", withHost("!#$%&'*+.^_`|~09aZ-: a"), nil),
    // Host (RFC 9112 §3.2).
    FramingCase("no host", "GET / HTTP/1.1\r\n\r\n"),
    FramingCase("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    FramingCase("two hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    FramingCase("empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    FramingCase("host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    FramingCase("host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    FramingCase("host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    FramingCase("host with port", "GET / HTTP/1.1\r\nHost: a.example:8101\r\n\r\n", nil),
    FramingCase("host with bad port", "GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n"),
    FramingCase("host with large port", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
    FramingCase("IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", nil),
    FramingCase("IPv6 host unclosed", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    FramingCase("host of a port alone", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
    // Content-Length and Transfer-Encoding (RFC 9112 §6): smuggling.
    FramingCase("length", withHost("Content-Length: 5"), nil),
    FramingCase("length zero", withHost("content-length: 0"), nil),
    FramingCase("length and chunked", withHost("Content-Length: 5\r\nTransfer-Encoding: chunked")),
    FramingCase("chunked and length", withHost("Transfer-Encoding: chunked\r\nContent-Length: 5")),
    FramingCase("two lengths", withHost("Content-Length: 5\r\nContent-Length: 6")),
    FramingCase("two equal lengths", withHost("Content-Length: 5\r\nCONTENT-LENGTH: 5")),
    FramingCase("length list", withHost("Content-Length: 5, 5")),
    FramingCase("empty length", withHost("Content-Length:")),
    FramingCase("negative length", withHost("Content-Length: -1")),
    FramingCase("length with plus", withHost("Content-Length: +5")),
    FramingCase("hexadecimal length", withHost("Content-Length: 0x5")),
    FramingCase("length with underscore", withHost("Content-Length: 1_0")),
    FramingCase("length with space inside", withHost("Content-Length: 1 0")),
    FramingCase("length with fraction", withHost("Content-Length: 5.0")),
    FramingCase("length with exponent", withHost("Content-Length: 1e1")),
    FramingCase("overflowing length", withHost("Content-Length: 18446744073709551621")),
    FramingCase("sixteen digits", withHost("Content-Length: 1000000000000000")),
    FramingCase("length beyond ASCII digits", withHost("Content-Length: ٥")),
    FramingCase("length with quotes", withHost("Content-Length: \"5\"")),
    FramingCase("chunked", withHost("Transfer-Encoding: chunked"), nil),
    FramingCase("chunked in capitals", withHost("TRANSFER-ENCODING: Chunked"), nil),
    FramingCase("gzip, chunked", withHost("Transfer-Encoding: gzip, chunked")),
    FramingCase("chunked, gzip", withHost("Transfer-Encoding: chunked, gzip")),
    FramingCase("chunked twice", withHost("Transfer-Encoding: chunked, chunked")),
    FramingCase("two chunked fields", withHost("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
    FramingCase("identity", withHost("Transfer-Encoding: identity")),
    FramingCase("xchunked", withHost("Transfer-Encoding: xchunked")),
    FramingCase("chunked with parameter", withHost("Transfer-Encoding: chunked;q=1")),
    FramingCase("chunked in quotes", withHost("Transfer-Encoding: \"chunked\"")),
    FramingCase("chunked with comma", withHost("Transfer-Encoding: ,chunked")),
    FramingCase("chunked with vertical tab", withHost("Transfer-Encoding: \u{b}chunked")),
    FramingCase("empty encoding", withHost("Transfer-Encoding:")),
    FramingCase("encoding with space before colon", withHost("Transfer-Encoding : chunked")),
    FramingCase("chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    // Others that decide.
    FramingCase("expectation", withHost("Expect: 100-Continue"), nil),
    FramingCase("other expectation", withHost("Expect: 200-ok"), 417),
    FramingCase("two users", withHost("Authorization: Bearer a\r\nAuthorization: Bearer b")),
]

@Suite struct RequestFramingTests {
    @Test(arguments: requestCases) func table(_ each: FramingCase) {
        let input = bytes(each.text)
        let whole = parseHead(.request, input)
        switch (whole, each.status) {
        case (.complete(let length, _, _), nil): #expect(length == input.count)
        case (.refused(let status), let expected?): #expect(status == expected)
        default: Issue.record("\(whole)")
        }
        // Byte by byte, and split once at every point, it comes to the same.
        #expect(parseHead(.request, input, cuts: Array(0..<input.count)) == whole)
        for cut in 0..<input.count { #expect(parseHead(.request, input, cuts: [cut]) == whole, "cut at \(cut)") }
    }

    @Test func limits() {
        var limits = HTTPLimits()
        limits.headBytes = 64
        limits.fields = 2
        func status(_ text: String) -> HeadOutcome { parseHead(.request, bytes(text), limits: limits) }
        let longTarget = "GET /\(String(repeating: "a", count: 80)) HTTP/1.1\r\n"
        #expect(status(longTarget) == .refused(414))
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 80))\r\n\r\n") == .refused(431))
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n\r\n") == .refused(431))
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
        for (count, fits) in [(64, true), (65, false)] {
            let text = start + String(repeating: "x", count: count - start.utf8.count - 4) + "\r\n\r\n"
            #expect(text.utf8.count == count)
            let whole = status(text)
            #expect((whole != .refused(431)) == fits)
            #expect(parseHead(.request, bytes(text), cuts: Array(0..<count), limits: limits) == whole)
        }
        #expect(parseHead(.request, bytes("GET / HTTP/1.1\r\nHost: a\r\n")) == .incomplete)
        let many = "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 128) + "\r\n"
        #expect(parseHead(.request, bytes(many)) == .refused(431))
    }

    @Test func readsWhatTheServerNeeds() {
        let text =
            "POST /v1/x HTTP/1.1\r\nHOST: a\r\nMesh-Site: b\r\nMeshnode-Hop:  1 \r\n"
            + "X-Custom: c\r\nConnection: close, x-custom\r\n\r\n"
        var head = HTTPHead(.request)
        bytes(text + "rest").withUnsafeBytes { raw in
            #expect((try? head.parse(raw, limits: HTTPLimits())) == true)
            func value(_ range: Range<Int>?) -> String? { range.map { String(decoding: raw[$0], as: UTF8.self) } }
            let site = value(head.first(.meshSite)), hop = value(head.first(.meshnode))
            let custom = value(head.first(named: "x-custom", in: raw)), none = head.first(.expect) == nil
            #expect(site == "b" && hop == "1" && custom == "c" && none)
            let method = head.method, length = head.length, keepAlive = head.keepAlive
            #expect(method == .post && length == text.utf8.count && !keepAlive)
            var dropped: [String] = []
            for field in head.fields where head.isHopByHop(field, in: raw) { dropped.append(value(field.nameRange) ?? "") }
            #expect(dropped == ["X-Custom", "Connection"])
        }
        head.reset()
        bytes("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").withUnsafeBytes { raw in
            #expect((try? head.parse(raw, limits: HTTPLimits())) == true)
            let keepAlive = head.keepAlive, fields = head.fields.count, minor = head.minorVersion
            #expect(keepAlive && fields == 1 && minor == 0)
        }
    }

    static let responses: [FramingCase] = [
        FramingCase("plain", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", nil),
        FramingCase("no reason", "HTTP/1.1 204 \r\n\r\n", nil),
        FramingCase("no space either", "HTTP/1.1 204\r\n\r\n", nil),
        FramingCase("1.0", "HTTP/1.0 500 Internal Server Error\r\n\r\n", nil),
        FramingCase("two digits", "HTTP/1.1 20 OK\r\n\r\n", 502),
        FramingCase("four digits", "HTTP/1.1 2000\r\n\r\n", 502),
        FramingCase("too low", "HTTP/1.1 099 OK\r\n\r\n", 502),
        FramingCase("too high", "HTTP/1.1 600 OK\r\n\r\n", 502),
        FramingCase("leading CRLF", "\r\nHTTP/1.1 200 OK\r\n\r\n", 502),
        FramingCase("HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", 502),
        FramingCase("control in reason", "HTTP/1.1 200 O\u{1}K\r\n\r\n", 502),
        FramingCase("length and chunked", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 502),
        FramingCase("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 502),
        FramingCase("bare LF", "HTTP/1.1 200 OK\n\n", 502),
        FramingCase("folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", 502),
    ]

    @Test(arguments: responses) func response(_ each: FramingCase) {
        let input = bytes(each.text)
        let whole = parseHead(.response, input)
        switch (whole, each.status) {
        case (.complete(let length, _, _), nil): #expect(length == input.count)
        case (.refused(let status), let expected?): #expect(status == expected)
        default: Issue.record("\(whole)")
        }
        #expect(parseHead(.response, input, cuts: Array(0..<input.count)) == whole)
    }
}
