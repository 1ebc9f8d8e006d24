import Glibc
import Testing

@testable import Transport

/// Says back what it was asked; `/slow` waits, `/large` is 100,000 bytes.
private func echo(_ exchange: HTTPExchange) async {
    let method = String(describing: exchange.head.method)
    let agent = exchange.text(named: "user-agent") ?? "-"
    let secret = exchange.text(named: "authorization") ?? "-"
    let type = exchange.text(named: "content-type") ?? "-"
    let expects = exchange.text(named: "expect") ?? "-"
    let encoding = exchange.text(named: "accept-encoding") ?? "-"
    let path = exchange.path
    if path == "/large" {
        return await exchange.respond(status: 200, contentType: "text/plain", body: [UInt8](repeating: 97, count: 100_000))
    }
    do throws(HTTPSyntaxError) {
        let body = try await exchange.readBody(limit: 1 << 20)
        let text = String(decoding: exchange.headBytes[body], as: UTF8.self)
        await exchange.respond(
            status: path == "/moved" ? 302 : 200, contentType: "text/plain",
            body: "\(method) \(path) \(agent) \(secret) \(type) \(expects) \(encoding) \(text)"
        ) { exchange in
            exchange.field("X-Two", " spaced \t")
            if path == "/moved" { exchange.field("Location", "/elsewhere") }
        }
    } catch { await exchange.respond(status: error.status, contentType: "text/plain", body: error.reason) }
}

/// The answer's status and text, or the error as `code/mayHaveArrived`.
func call(_ client: WebClient, _ request: WebRequest) async -> String {
    do throws(WebError) {
        let answer = try await client.send(request)
        return "\(answer.status) \(String(decoding: answer.body, as: UTF8.self))"
    } catch { return "\(error.code)/\(error.mayHaveArrived)" }
}

@Suite struct WebClientTests {
    @Test func aCallSendsOnlyWhatItWasGiven() async throws {
        let servers = try await Servers.start(echo)
        defer { servers.stop() }
        let client = WebClient()
        let base = "http://127.0.0.1:\(servers.address.port)"
        #expect(await call(client, WebRequest(url: base + "/a?q=1")) == "200 get /a meshnode - - - - ")
        #expect(
            await call(
                client,
                WebRequest(
                    method: "POST", url: base + "/b",
                    fields: [("Authorization", "Bearer x"), ("Content-Type", "text/x"), ("user-agent", "mine")],
                    body: Array("hello".utf8))) == "200 post /b mine Bearer x text/x - - hello")
        let large = String(repeating: "b", count: 300_000)
        #expect(
            await call(client, WebRequest(method: "POST", url: base + "/c", body: Array(large.utf8)))
                == "200 post /c meshnode - - - - \(large)")
        #expect(await call(client, WebRequest(method: "POST", url: base + "/d")) == "200 post /d meshnode - - - - ")
        #expect(await call(client, WebRequest(method: "DELETE", url: base + "/e")).hasPrefix("200 "))
        #expect(await call(client, WebRequest(method: "HEAD", url: base + "/f")) == "200 ")
    }

    @Test func fieldsOfTheAnswerAreReadAndRedirectsAreNotFollowed() async throws {
        let servers = try await Servers.start(echo)
        defer { servers.stop() }
        let client = WebClient()
        let answer = try await client.send(WebRequest(url: "http://127.0.0.1:\(servers.address.port)/moved"))
        #expect(answer.status == 302)
        #expect(answer.field("location") == "/elsewhere")
        #expect(answer.field("x-two") == "spaced")
        #expect(answer.field("content-type") == "text/plain")
    }

    @Test func aHundredAtOnceShareFewConnections() async throws {
        let servers = try await Servers.start(echo)
        defer { servers.stop() }
        var settings = WebClientSettings()
        settings.connectionsPerHost = 4
        let client = WebClient(settings)
        let base = "http://127.0.0.1:\(servers.address.port)"
        let answers = await withTaskGroup(of: String.self) { group in
            for number in 0..<100 { group.addTask { await call(client, WebRequest(url: "\(base)/\(number)")) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(answers).count == 100 && answers.allSatisfy { $0.hasPrefix("200 get /") })
        #expect(servers.service.openConnections <= 4)
        #expect(client.callsUnderWay == 0)
    }

    @Test(arguments: [
        "", "nonsense", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://", "http://user:pw@127.0.0.1/", "http://a b/",
        "http://127.0.0.1:99999/", "gopher://127.0.0.1/",
    ])
    func otherAddressesAreRefused(_ url: String) async {
        #expect(await call(WebClient(), WebRequest(url: url)) == "badURL/false")
    }

    @Test(arguments: [("X-A", "b\r\nX-Evil: 1"), ("X A", "b"), ("", "b"), ("X-A", "b\0")])
    func fieldsCannotEndFields(_ name: String, _ value: String) async {
        let request = WebRequest(url: "http://127.0.0.1:1/", fields: [(name, value)])
        #expect(await call(WebClient(), request) == "badURL/false")
    }

    @Test func oneCallTooManyFailsAtOnce() async throws {
        let server = try RawServer { $0.waitForEnd() }
        defer { server.stop() }
        var settings = WebClientSettings()
        settings.callsAllowed = 3
        let client = WebClient(settings)
        let request = WebRequest(url: "http://127.0.0.1:\(server.port)/", timeoutSeconds: 60)
        let tasks = (0..<3).map { _ in Task { await call(client, request) } }
        while client.callsUnderWay < 3 { await Task.yield() }
        #expect(await call(client, request) == "tooManyCalls/false")
        for task in tasks { task.cancel() }
        for task in tasks { #expect(await task.value.hasPrefix("cancelled/")) }
        #expect(client.callsUnderWay == 0)
    }
}
