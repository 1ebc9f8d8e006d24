import Synchronization
import Testing

@testable import Transport

/// A proxy that joins each connection with what was asked for, unless `refuse` has an answer for it.
private func startProxy(_ seen: Refusals, refuse: String? = nil) throws -> RawServer {
    try RawServer { connection in
        let request = connection.readRequest()
        seen.add(request)
        if let refuse { return connection.write(refuse) }
        connection.write("HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
        _ = connection.readRequest()
        connection.write("HTTP/1.1 203 By\r\nContent-Length: 7\r\n\r\nproxied")
        connection.waitForEnd()
    }
}

/// The answer, or the error in words.
private func words(_ context: WorkerContext, _ upstream: Upstream) async -> String {
    do throws(TransportError) {
        let answer = try await context.pool.request(upstream, target: "/", limit: 1000, deadline: soon(context))
        return "\(answer.status) \(String(decoding: answer.body, as: UTF8.self))"
    } catch { return error.message }
}

@Suite struct ProxyTests {
    private func upstream(_ port: UInt16, credentials: HTTPProxy.Credentials? = nil) -> Upstream {
        let proxy = HTTPProxy(
            address: HostPort(host: "127.0.0.1", port: port), credentials: credentials, bypass: [])
        return Upstream(target: HostPort(host: "far.example", port: 443), tls: nil, way: proxy.way(to: "far.example"))
    }

    @Test func aConnectionIsAskedForAndUsed() async throws {
        let seen = Refusals()
        let proxy = try startProxy(seen)
        defer { proxy.stop() }
        let worker = try Worker(index: 0)
        worker.start()
        defer { worker.stop() }
        let upstream = upstream(proxy.port, credentials: HTTPProxy.Credentials(user: "Aladdin", password: "open sesame"))
        #expect(await worker.run { await words($0, upstream) } == "203 proxied")
        // The example of RFC 7617 §2.
        #expect(
            seen.all == [
                "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n"
                    + "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
            ])
    }

    @Test(arguments: [
        ("403 Forbidden", "refuses connections to far.example:443 (403): ask who runs it to allow CONNECT there"),
        ("407 Authenticate", "asks for credentials (407): set proxy.userFile and proxy.passwordFile"),
        ("502 Bad Gateway", "cannot reach far.example:443 (502): is it up, and may the proxy connect to it?"),
        ("418 Teapot", "answered 418 when asked for far.example:443"),
    ])
    func refusalsSayWhatToDo(status: String, wanted: String) async throws {
        let proxy = try startProxy(Refusals(), refuse: "HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n")
        defer { proxy.stop() }
        let worker = try Worker(index: 0)
        worker.start()
        defer { worker.stop() }
        let upstream = upstream(proxy.port)
        #expect(await worker.run { await words($0, upstream) } == "proxy http://127.0.0.1:\(proxy.port) \(wanted)")
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "", "HTTP/1.1 200 OK\r\n\r\nwords of its own"])
    func whatIsNoProxyIsToldAsThat(_ answer: String) async throws {
        let proxy = try startProxy(Refusals(), refuse: answer)
        defer { proxy.stop() }
        let worker = try Worker(index: 0)
        worker.start()
        defer { worker.stop() }
        let upstream = upstream(proxy.port)
        let told = await worker.run { await words($0, upstream) }
        #expect(told.contains("proxy http://127.0.0.1:\(proxy.port)"))
    }

    @Test func aDeadProxyIsNamed() async throws {
        let proxy = try startProxy(Refusals())
        proxy.stop()
        let worker = try Worker(index: 0)
        worker.start()
        defer { worker.stop() }
        let upstream = upstream(proxy.port)
        let told = await worker.run { await words($0, upstream) }
        #expect(told.hasPrefix("proxy http://127.0.0.1:\(proxy.port) cannot be reached: cannot connect to"))
    }

    @Test(arguments: [
        ("127.0.0.1", false), ("127.9.9.9", false), ("localhost", false), ("::1", false), ("10.1.2.3", false),
        ("10.128.0.1", true), ("node.lab.gov", false), ("LAB.GOV", true), ("lab.gov.example", true), ("exact", false),
        ("not-exact", true), ("2001:db8::7", false), ("2001:db9::7", true), ("192.0.2.1", true),
    ])
    func hostsThatNeedNone(host: String, isCovered: Bool) throws {
        let own = try ["10.0.0.0/9", ".lab.gov", "exact", "2001:db8::/32"].map { try #require(HTTPProxy.Bypass($0)) }
        let proxy = HTTPProxy(address: HostPort(host: "p", port: 1), bypass: HTTPProxy.Bypass.loopback + own)
        #expect(proxy.covers(host) == isCovered)
    }

    @Test(arguments: ["", ".", "10.0.0.0/33", "10.0.0/8", "a b", "http://x", "x/8", "*"])
    func whatIsNoHostIsRefused(_ text: String) { #expect(HTTPProxy.Bypass(text) == nil) }
}
