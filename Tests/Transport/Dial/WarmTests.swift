import Testing

@testable import Transport

/// The small request that keeps a connection.
private func ping(_ connection: HTTPClientConnection, _ context: WorkerContext) async throws(TransportError) {
    connection.startRequest("POST", "/ping")
    connection.field("Content-Length", 0)
    connection.endFields()
    try await connection.stream.flush()
    _ = try await connection.readHead(deadline: soon(context))
    while try await connection.nextBodyPart(deadline: soon(context)) != nil {}
}

private func tend(
    _ context: WorkerContext, _ upstream: Upstream, _ warmth: ConnectionPool.Warmth = ConnectionPool.Warmth()
) async -> Bool {
    do throws(TransportError) {
        try await context.pool.tend(upstream, warmth, deadline: soon(context)) { (connection) throws(TransportError) in
            try await ping(connection, context)
        }
        return true
    } catch { return false }
}

@Suite struct WarmTests {
    @Test func aRequestFindsAConnectionReady() async throws {
        let servers = try await Servers.start { await $0.respond(status: 200, contentType: "text/plain", body: "ok") }
        defer { servers.stop() }
        let upstream = servers.upstream { $0.isKeptWarm = true }
        let dialled = await servers.client.run { context in
            var dialled: [Int] = []
            #expect(await tend(context, upstream))
            dialled.append(context.pool.dialled)
            // There is one already.
            #expect(await tend(context, upstream))
            for _ in 0..<5 { _ = await ask(context, upstream) }
            dialled.append(context.pool.dialled)
            return dialled
        }
        #expect(dialled == [1, 1])
    }

    /// The certificate is renewed: what was dialled before serves until what is dialled anew is there, and no request waits.
    @Test func aRenewalCostsNoRequestAHandshake() async throws {
        let servers = try await Servers.start { await $0.respond(status: 200, contentType: "text/plain", body: "ok") }
        defer { servers.stop() }
        let upstream = servers.upstream { $0.isKeptWarm = true }
        let dialled = await servers.client.run { context in
            var dialled: [Int] = []
            _ = await tend(context, upstream)
            upstream.secured.replace(with: nil)
            for _ in 0..<3 { _ = await ask(context, upstream) }
            dialled.append(context.pool.dialled)
            _ = await tend(context, upstream)
            dialled.append(context.pool.dialled)
            for _ in 0..<3 { _ = await ask(context, upstream) }
            dialled.append(context.pool.dialled)
            return dialled
        }
        #expect(dialled == [1, 2, 2])
    }

    /// One that was made before the renewal before this one is used no more.
    @Test func twoRenewalsRetireAtOnce() async throws {
        let servers = try await Servers.start { await $0.respond(status: 200, contentType: "text/plain", body: "ok") }
        defer { servers.stop() }
        let upstream = servers.upstream { $0.isKeptWarm = true }
        let dialled = await servers.client.run { context in
            _ = await tend(context, upstream)
            upstream.secured.replace(with: nil)
            upstream.secured.replace(with: nil)
            _ = await ask(context, upstream)
            return context.pool.dialled
        }
        #expect(dialled == 2)
    }

    @Test func silentConnectionsArePinged() async throws {
        let pings = Counter()
        let servers = try await Servers.start { exchange in
            if exchange.path == "/ping" { pings.raise() }
            await exchange.respond(status: 200, contentType: "text/plain", body: "ok")
        }
        defer { servers.stop() }
        let upstream = servers.upstream { $0.isKeptWarm = true }
        let dialled = await servers.client.run { context in
            var warmth = ConnectionPool.Warmth()
            warmth.pingAfter = 0
            for _ in 0..<4 { _ = await tend(context, upstream, warmth) }
            return context.pool.dialled
        }
        #expect(pings.count == 4)
        #expect(dialled == 1)
    }

    /// As many as were in use at once are kept for the next time.
    @Test func theBusiestMomentIsRemembered() async throws {
        let pings = Counter()
        let servers = try await Servers.start { exchange in
            if exchange.path == "/ping" { pings.raise() }
            await exchange.respond(status: 200, contentType: "text/plain", body: "ok")
        }
        defer { servers.stop() }
        let upstream = servers.upstream { $0.isKeptWarm = true }
        await servers.client.run { context in
            var held: [HTTPClientConnection] = []
            for _ in 0..<3 {
                if let connection = try? await context.pool.acquire(upstream, deadline: soon(context)) {
                    held.append(connection)
                }
            }
            for connection in held {
                _ = try? await ping(connection, context)
                context.pool.release(connection)
            }
            #expect(context.pool.idleCount == 3)
            held = []
            var warmth = ConnectionPool.Warmth()
            warmth.pingAfter = 0
            _ = await tend(context, upstream, warmth)
        }
        #expect(pings.count == 6)
    }

    @Test func whereNobodyAnswersItSaysSo() async throws {
        let worker = try Worker(index: 0)
        worker.start()
        defer { worker.stop() }
        let raw = try RawServer { _ in }
        raw.stop()
        let upstream = Upstream(target: HostPort(host: "127.0.0.1", port: raw.port), tls: nil)
        #expect(await worker.run { await tend($0, upstream) } == false)
    }
}
