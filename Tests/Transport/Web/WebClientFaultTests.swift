import Glibc
import Synchronization
import Testing

@testable import Transport

/// A port that is taken and where nobody listens, while this lives: no other test can be given it.
private final class ClosedPort {
    private let descriptor: Int32
    let number: UInt16

    init() throws {
        let descriptor = openSocket(AF_INET)
        try #require(descriptor >= 0)
        self.descriptor = descriptor
        let isBound = SocketAddress(bytes: [127, 0, 0, 1], port: 0).withSockaddr { Glibc.bind(descriptor, $0, $1) } == 0
        number = SocketAddress.of(descriptor, remote: false)?.port ?? 0
        try #require(isBound && number > 0)
    }

    deinit { close(descriptor) }
}

@Suite struct WebClientFaultTests {
    @Test func nobodyListens() async throws {
        let port = try ClosedPort()
        defer { withExtendedLifetime(port) {} }
        #expect(await call(WebClient(), WebRequest(url: "http://127.0.0.1:\(port.number)/")) == "unreachable/false")
    }

    @Test func aNameThatIsNone() async {
        #expect(await call(WebClient(), WebRequest(url: "http://no-such-host.invalid/")) == "unreachable/false")
    }

    @Test(arguments: [
        ("", "broken/true"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "broken/true"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "broken/true"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", "broken/true"),
        ("\u{1}\u{2}\u{3} garbage\r\n\r\n", "broken/true"),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", "200 hello"),
        ("HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 2\r\n\r\nok", "201 ok"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n", "200 ok"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + String(repeating: "a", count: 70_000), "tooLarge/true"),
    ])
    func whatTheServerAnswers(_ answer: String, _ expected: String) async throws {
        let server = try RawServer { connection in
            _ = connection.readRequest()
            connection.write(answer)
        }
        defer { server.stop() }
        let url = "http://127.0.0.1:\(server.port)/"
        let client = WebClient()
        #expect(await call(client, WebRequest(url: url, answerBytes: 60_000)) == expected)
        #expect(await call(client, WebRequest(method: "POST", url: url, body: [1], answerBytes: 60_000)) == expected)
    }

    @Test(arguments: [300, 3])
    func tooManyFields(_ count: Int) async throws {
        let field = count == 300 ? "X-A: 1\r\n" : "X-A: \(String(repeating: "v", count: 30_000))\r\n"
        let server = try RawServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\n\(String(repeating: field, count: count))Content-Length: 0\r\n\r\n")
        }
        defer { server.stop() }
        #expect(await call(WebClient(), WebRequest(url: "http://127.0.0.1:\(server.port)/")) == "tooLarge/true")
    }

    @Test func anAnswerExactlyAtTheLimitIsRead() async throws {
        let server = try RawServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        }
        defer { server.stop() }
        let url = "http://127.0.0.1:\(server.port)/"
        #expect(await call(WebClient(), WebRequest(url: url, answerBytes: 5)) == "200 hello")
        #expect(await call(WebClient(), WebRequest(url: url, answerBytes: 4)) == "tooLarge/true")
    }

    @Test func aSilentServerTimesOut() async throws {
        let server = try RawServer { $0.waitForEnd() }
        defer { server.stop() }
        // Long enough to be connected on a busy machine: that is what the answer tells.
        let request = WebRequest(url: "http://127.0.0.1:\(server.port)/", timeoutSeconds: 3)
        #expect(await call(WebClient(), request) == "timedOut/true")
        #expect(await call(WebClient(), WebRequest(url: request.url, timeoutSeconds: .nan)).hasPrefix("timedOut/"))
    }

    @Test func aCallThatWaitsForAConnectionTimesOutToo() async throws {
        let server = try RawServer { $0.waitForEnd() }
        defer { server.stop() }
        var settings = WebClientSettings()
        settings.connectionsPerHost = 1
        let client = WebClient(settings)
        let url = "http://127.0.0.1:\(server.port)/"
        let first = Task { await call(client, WebRequest(url: url, timeoutSeconds: 60)) }
        while server.connections == 0 { await Task.yield() }
        #expect(
            await call(client, WebRequest(method: "POST", url: url, body: [1], timeoutSeconds: 0.05)) == "timedOut/false")
        first.cancel()
        #expect(await first.value.hasPrefix("cancelled/"))
    }

    @Test func aHandshakeThatNeverEndsIsAConnectTimeout() async throws {
        let server = try RawServer { $0.waitForEnd() }
        defer { server.stop() }
        var settings = WebClientSettings()
        settings.connectSeconds = 0.05
        #expect(await call(WebClient(settings), WebRequest(url: "https://127.0.0.1:\(server.port)/")) == "timedOut/false")
    }

    @Test func cancellingTheTaskClosesTheConnection() async throws {
        let ended = Counter()
        let asked = Counter()
        let server = try RawServer { connection in
            _ = connection.readRequest()
            asked.raise()
            connection.waitForEnd()
            ended.raise()
        }
        defer { server.stop() }
        let client = WebClient()
        let task = Task { await call(client, WebRequest(url: "http://127.0.0.1:\(server.port)/", timeoutSeconds: 60)) }
        while asked.count == 0 { await Task.yield() }
        task.cancel()
        #expect(await task.value == "cancelled/true")
        while ended.count == 0 { await Task.yield() }
    }

    @Test func aCancelledTaskCallsNobody() async throws {
        let server = try RawServer { $0.waitForEnd() }
        defer { server.stop() }
        let client = WebClient()
        let url = "http://127.0.0.1:\(server.port)/"
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await call(client, WebRequest(url: url, timeoutSeconds: 60))
        }
        task.cancel()
        #expect(await task.value == "cancelled/false")
        #expect(server.connections == 0)
    }

    /// libcurl by itself would send the request again on a new connection.
    @Test(arguments: ["hello", ""])
    func aPostIsNotSentTwiceWhenAKeptConnectionBreaks(_ body: String) async throws {
        let posts = Counter()
        let ended = Counter()
        let server = try RawServer { connection in
            defer { ended.raise() }
            while true {
                let request = connection.readRequest()
                guard !request.isEmpty else { return }
                if request.hasPrefix("POST") {
                    posts.raise()
                    return
                }
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        defer { server.stop() }
        var client = WebClient()
        let url = "http://127.0.0.1:\(server.port)/"
        #expect(await call(client, WebRequest(url: url)) == "200 ok")
        #expect(await call(client, WebRequest(url: url)) == "200 ok")
        #expect(server.connections == 1)
        #expect(await call(client, WebRequest(method: "POST", url: url, body: Array(body.utf8))) == "broken/true")
        // The old client closes its kept connection, too.
        client = WebClient()
        while ended.count < server.connections { await Task.yield() }
        #expect(posts.count == 1)
    }

    @Test func errorsHoldNoSecret() async throws {
        let server = try RawServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nX-Echo: sEcReT\r\nContent-Length: 9\r\n\r\nsEcReT")
        }
        defer { server.stop() }
        let silent = try RawServer { $0.waitForEnd() }
        defer { silent.stop() }
        var proxied = WebClientSettings()
        let port = try ClosedPort()
        defer { withExtendedLifetime(port) {} }
        proxied.proxy = "http://user:sEcReT@127.0.0.1:\(port.number)"
        let cases: [(WebClientSettings, String)] = [
            (WebClientSettings(), "http://127.0.0.1:\(server.port)/p/sEcReT?token=sEcReT"),
            (WebClientSettings(), "http://127.0.0.1:\(silent.port)/sEcReT"),
            (WebClientSettings(), "http://127.0.0.1:\(port.number)/sEcReT"),
            (WebClientSettings(), "https://127.0.0.1:\(server.port)/sEcReT"),
            (WebClientSettings(), "ftp://sEcReT/"),
            (WebClientSettings(), "http://u:sEcReT@127.0.0.1/"),
            (proxied, "http://127.0.0.1:\(server.port)/sEcReT"),
        ]
        for (settings, url) in cases {
            let request = WebRequest(
                method: "POST", url: url, fields: [("Authorization", "Bearer sEcReT")], body: Array("sEcReT".utf8),
                timeoutSeconds: 0.1)
            let error = await #expect(throws: WebError.self) { try await WebClient(settings).send(request) }
            let text = String(describing: error)
            #expect(!text.isEmpty && !text.contains("sEcReT"), "\(text)")
        }
        let request = WebRequest(url: "http://127.0.0.1/", fields: [("X-Key", "sEcReT\n")])
        let error = await #expect(throws: WebError.self) { try await WebClient().send(request) }
        #expect(error.map { !$0.message.contains("sEcReT") && $0.message.contains("X-Key") } == true)
    }
}
