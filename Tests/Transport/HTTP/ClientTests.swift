import Glibc
import Testing

@testable import Transport

@Suite struct ClientTests {
    @Test func connectionsAreKeptAndEachRequestStaysOnItsLoop() async throws {
        let servers = try await Servers.start { exchange in
            let before = exchange.worker.loop.isCurrent
            let alarm = Alarm(loop: exchange.worker.loop)
            await alarm.sleep(nanoseconds: 1_000_000)
            let after = exchange.worker.loop.isCurrent
            await exchange.respond(status: 200, contentType: "text/plain", body: "\(before && after)")
        }
        defer { servers.stop() }
        let upstream = servers.upstream()
        let (answers, dialled) = await servers.client.run { context in
            var answers: Set<String> = []
            for _ in 0..<20 { answers.insert(await ask(context, upstream)) }
            return (answers, context.pool.dialled)
        }
        #expect(answers == ["200 true"])
        #expect(dialled == 1)
    }

    /// The loop still holds the pool's timer then: it must find nothing to do.
    @Test func aPoolMayGoBeforeItsLoop() async throws {
        let servers = try await Servers.start { await $0.respond(status: 200, contentType: "text/plain", body: "ok") }
        defer { servers.stop() }
        let upstream = servers.upstream()
        await servers.client.run { context in
            do throws(TransportError) {
                let pool = ConnectionPool(loop: context.loop)
                let connection = try await pool.acquire(upstream)
                connection.stream.close()
            } catch {}
            // Its timer is due after a second.
            await Alarm(loop: context.loop).sleep(nanoseconds: 1_200_000_000)
        }
        #expect(await servers.client.run { await ask($0, upstream) } == "200 ok")
    }

    /// vLLM's way: the server ends kept connections; whoever asks next must not notice.
    @Test func aStaleConnectionIsReplacedOnce() async throws {
        let seen = Counter()
        let servers = try await Servers.start { exchange in
            seen.raise()
            // The answer does not say so, but the connection ends with it.
            await exchange.respond(status: 200, contentType: "text/plain", body: "ok")
            exchange.stream.fail(.cancelled)
        }
        defer { servers.stop() }
        let upstream = servers.upstream()
        let answers = await servers.client.run { context in
            var answers: [String] = []
            for _ in 0..<10 { answers.append(await ask(context, upstream)) }
            return answers
        }
        #expect(answers == Array(repeating: "200 ok", count: 10))
        #expect(seen.count == 10)
    }

    @Test func aFreshConnectionThatClosesIsNotTriedAgain() async throws {
        let seen = Counter()
        let servers = try await Servers.start { exchange in
            seen.raise()
            exchange.stream.close()
        }
        defer { servers.stop() }
        let upstream = servers.upstream()
        let answer = await servers.client.run { await ask($0, upstream) }
        #expect(answer == "endOfStream" || answer == "connectionLost")
        #expect(seen.count == 1)
    }

    @Test func aDeadlineEndsTheWait() async throws {
        let servers = try await Servers.start { exchange in
            let parking = Parking()
            _ = await parking.wait(for: exchange.stream, deadline: .max)
        }
        defer { servers.stop() }
        let upstream = servers.upstream()
        let answer = await servers.client.run { await ask($0, upstream, deadline: $0.loop.now + 50_000_000) }
        #expect(answer == "timedOut")
    }

    @Test func errorsHaveTheirCodes() async throws {
        let worker = try Worker(index: 0)
        worker.start()
        defer { worker.stop() }
        let closed = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 1)
        closed.close()
        let refused = Upstream(target: HostPort(host: "127.0.0.1", port: closed.address.port), tls: nil)
        let unknown = Upstream(target: HostPort(host: "no-such-host.invalid", port: 80), tls: nil)
        #expect(await worker.run { await ask($0, refused) } == "connectionLost")
        #expect(await worker.run { await ask($0, unknown) } == "unknownHost")
    }

    @Test func namesAreResolved() async throws {
        let servers = try await Servers.start { await $0.respond(status: 200, contentType: "text/plain", body: "ok") }
        defer { servers.stop() }
        let upstream = Upstream(target: HostPort(host: "localhost", port: servers.address.port), tls: nil)
        #expect(await servers.client.run { await ask($0, upstream) } == "200 ok")
    }

    @Test(arguments: [(100, true), (100, false), (300_000, true), (300_000, false)])
    func bodiesBothWays(bytes: Int, isStreamed: Bool) async throws {
        let servers = try await Servers.start { exchange in
            var size = 0
            do throws(HTTPSyntaxError) {
                if isStreamed {
                    while let part = try await exchange.nextBodyPart(limit: 1 << 20) { size += part.count }
                } else {
                    size = try await exchange.readBody(limit: 1 << 20).count
                }
            } catch { size = -error.status }
            exchange.startAnswer(200)
            exchange.endFields(.streamed)
            do throws(TransportError) {
                for _ in 0..<10 { try await exchange.write(String(repeating: "x", count: size / 10)) }
                try await exchange.finishAnswer()
            } catch {}
        }
        defer { servers.stop() }
        let upstream = servers.upstream()
        let body = String(repeating: "y", count: bytes)
        let answer = await servers.client.run { await ask($0, upstream, method: "POST", body: body) }
        #expect(answer == "200 " + String(repeating: "x", count: bytes))
    }

    /// New certificates, or a new authority: what was dialled before takes no new request.
    @Test func aNewSecurityGenerationRetiresConnections() async throws {
        let servers = try await Servers.start { await $0.respond(status: 200, contentType: "text/plain", body: "ok") }
        defer { servers.stop() }
        let upstream = servers.upstream()
        let dialled = await servers.client.run { context in
            _ = await ask(context, upstream)
            upstream.secured.replace(with: nil)
            _ = await ask(context, upstream)
            return context.pool.dialled
        }
        #expect(dialled == 2)
    }

    @Test func aConnectionRetiresAfterItsLife() async throws {
        let servers = try await Servers.start { await $0.respond(status: 200, contentType: "text/plain", body: "ok") }
        defer { servers.stop() }
        let upstream = servers.upstream { $0.life = 0 }
        let dialled = await servers.client.run { context in
            for _ in 0..<3 { _ = await ask(context, upstream) }
            return context.pool.dialled
        }
        #expect(dialled == 3)
    }
}
