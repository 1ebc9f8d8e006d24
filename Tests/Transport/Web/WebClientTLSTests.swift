import FoundationEssentials
import Glibc
import Testing
import Trust

@testable import Transport

/// An authority with one server certificate for `localhost` and 127.0.0.1.
private struct Roots {
    let directory: String
    var authority: String { directory + "/root.pem" }

    init() throws {
        var template = Array("/tmp/meshnode-web-XXXXXX".utf8CString)
        directory = String(cString: try #require(mkdtemp(&template)))
        let made = try FederationAuthority.create(federation: "test", directory: directory, validDays: 1)
        let key = try PrivateKey.generate()
        try key.write(pemFile: directory + "/a.key")
        try made.issue(
            id: SPIFFEID(federation: "test", site: "a", node: "n1"), key: key, dnsNames: ["localhost"],
            addresses: ["127.0.0.1"], validSeconds: 3600
        ).write(pemFile: directory + "/a.pem", issuers: made.issuer.chain)
    }

    func server() throws -> TLSContext {
        var settings = TLSContext.Settings(role: .server, verification: .none)
        settings.certificateFile = directory + "/a.pem"
        settings.keyFile = directory + "/a.key"
        return try TLSContext(settings)
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: directory)
    }
}

private func client(caFile: String?, proxy: String? = nil, noProxy: String? = nil) -> WebClient {
    var settings = WebClientSettings()
    settings.caFile = caFile
    settings.proxy = proxy
    settings.noProxy = noProxy
    return WebClient(settings)
}

private func answer(_ exchange: HTTPExchange) async {
    await exchange.respond(status: 200, contentType: "text/plain", body: "ok")
}

@Suite struct WebClientTLSTests {
    @Test func aServerIsKnownByTheGivenRootsAndItsName() async throws {
        let roots = try Roots()
        defer { roots.remove() }
        let others = try Roots()
        defer { others.remove() }
        let servers = try await Servers.start(tls: try roots.server(), answer)
        defer { servers.stop() }
        let port = servers.address.port
        let request = WebRequest(method: "POST", url: "https://127.0.0.1:\(port)/", body: [1])
        #expect(await call(client(caFile: roots.authority), request) == "200 ok")
        #expect(await call(client(caFile: nil), request) == "tls/false")
        #expect(await call(client(caFile: others.authority), request) == "tls/false")
        #expect(await call(client(caFile: roots.directory + "/nothing.pem"), request) == "tls/false")
        #expect(await call(client(caFile: roots.authority), WebRequest(url: "https://127.1.0.1:\(port)/")) != "200 ok")
        // Another name for the same server.
        #expect(await call(client(caFile: roots.authority), WebRequest(url: "https://localhost:\(port)/")) == "200 ok")
    }

    @Test func plainBytesAreNoTLS() async throws {
        let server = try RawServer { connection in
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            connection.waitForEnd()
        }
        defer { server.stop() }
        #expect(await call(client(caFile: nil), WebRequest(url: "https://127.0.0.1:\(server.port)/")) == "tls/false")
    }

    /// Also plain http goes by CONNECT.
    @Test func theProxyIsAskedToConnect() async throws {
        let servers = try await Servers.start(answer)
        defer { servers.stop() }
        let lines = Refusals()
        let proxy = try RawServer { connection in
            lines.add(String(connection.readRequest().prefix { $0 != "\r\n" }))
            connection.write("HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
            _ = connection.readRequest()
            connection.write("HTTP/1.1 203 By\r\nContent-Length: 7\r\n\r\nproxied")
        }
        defer { proxy.stop() }
        let address = "http://127.0.0.1:\(proxy.port)"
        let url = "http://127.0.0.1:\(servers.address.port)/"
        #expect(await call(client(caFile: nil), WebRequest(url: url)) == "200 ok")
        #expect(await call(client(caFile: nil, proxy: address), WebRequest(url: url)) == "203 proxied")
        #expect(await call(client(caFile: nil, proxy: address, noProxy: "127.0.0.1"), WebRequest(url: url)) == "200 ok")
        #expect(lines.all == ["CONNECT 127.0.0.1:\(servers.address.port) HTTP/1.1"])
    }

    @Test(arguments: [
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 502 Bad\r\n\r\n", "",
    ])
    func aProxyThatRefusesHasSentNothingOn(_ answer: String) async throws {
        let proxy = try RawServer { connection in
            _ = connection.readRequest()
            connection.write(answer)
        }
        defer { proxy.stop() }
        let client = client(caFile: nil, proxy: "http://127.0.0.1:\(proxy.port)")
        let request = WebRequest(method: "POST", url: "http://127.0.0.1:9/", body: [1])
        #expect(await call(client, request) == "unreachable/false")
    }
}
