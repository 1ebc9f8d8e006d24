import Testing
import Trust

@testable import Transport

@Suite struct EndTLSTests {
    /// TLS ends in order and the same connection goes on raw, then with TLS anew and the roles turned round; no byte is lost though the
    /// server speaks at once.
    @Test(arguments: 0..<20)
    func aConnectionOutlivesItsTLS(_ round: Int) async throws {
        let files = try Certificates()
        defer { files.remove() }
        let verify = TLSContext.Verification.custom { _ in "somebody" }
        let server = try files.context(.server, "a", verify, protocols: ["meshnode/1"], onlyNewest: true)
        let client = try files.context(.client, "b", verify, protocols: ["meshnode/1"], onlyNewest: true)
        let servers = try await Servers.start(tls: server) { exchange in
            exchange.prepareToSwitch()
            guard let socket = try? await exchange.switchToRaw(deadline: exchange.worker.loop.now + 10_000_000_000),
                let stream = socket.stream(on: exchange.worker.loop)
            else { return }
            #expect(socket.peer as? String == "somebody")
            stream.output.append("raw words sent at once")
            try? await stream.flush()
            stream.readDeadline = stream.now + 10_000_000_000
            while stream.input.count < 2, (try? await stream.fill()) ?? 0 > 0 {}
            stream.input.removeAll()
            // Who took the call is the client now.
            try? await stream.startTLS(client, deadline: stream.now + 10_000_000_000)
            stream.output.append("secret words")
            try? await stream.flush()
            stream.close()
        }
        defer { servers.stop() }
        let upstream = servers.upstream(tls: client)
        let heard = await servers.client.run { context in
            var heard: [String] = []
            do throws(TransportError) {
                let stream = try await context.pool.dialler.switched(
                    over: upstream, target: "/", deadline: soon(context),
                    checkPeer: { heard.append("\($0.peerIdentity as? String ?? "nobody")") })
                heard.append("\(stream.peerIdentity as? String ?? "nobody") \(stream.isSecure)")
                stream.readDeadline = soon(context)
                while stream.input.count < 22 { _ = try await stream.fill(1) }
                heard.append(String(decoding: stream.input.readable[..<22], as: UTF8.self))
                stream.input.consume(22)
                stream.output.append("go")
                try await stream.flush()
                try await stream.startTLS(server, deadline: soon(context))
                stream.readDeadline = soon(context)
                while try await stream.fill() > 0 {}
                heard.append("tls")
                heard.append(String(decoding: stream.input.readable, as: UTF8.self))
                stream.close()
            } catch { heard.append(error.message) }
            return heard
        }
        #expect(heard == ["somebody", "somebody false", "raw words sent at once", "tls", "secret words"])
    }

    /// Who does not wait for the end loses the connection: what came early could be taken for something else.
    @Test func bytesBeforeTheEndAreRefused() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let server = try files.context(.server, "a", .none)
        let outcome = Refusals()
        let servers = try await Servers.start(tls: server) { exchange in
            // The next request lies behind the first already.
            while exchange.stream.input.count <= exchange.head.length {
                if (try? await exchange.stream.fill()) ?? 0 == 0 { break }
            }
            do throws(TransportError) {
                _ = try await exchange.switchToRaw(deadline: exchange.worker.loop.now + 10_000_000_000)
                outcome.add("switched")
            } catch { outcome.add("\(error.code)") }
        }
        defer { servers.stop() }
        let client = servers.upstream(tls: try files.context(.client, nil, .authorities(file: files.authority)))
        await servers.client.run { context in
            guard let connection = try? await context.pool.acquire(client, deadline: soon(context)) else { return }
            connection.stream.output.append("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nPOST / HTTP/1.1\r\n")
            try? await connection.stream.flush()
            _ = try? await connection.readHead(deadline: soon(context))
            connection.stream.close()
        }
        #expect(outcome.all == ["protocolViolation"])
    }

    @Test func aSwitchNobodyAskedForIsAnError() async throws {
        let raw = try RawServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 101 Switching Protocols\r\n\r\n")
            connection.waitForEnd()
        }
        defer { raw.stop() }
        let worker = try Worker(index: 0)
        worker.start()
        defer { worker.stop() }
        let upstream = Upstream(target: HostPort(host: "127.0.0.1", port: raw.port), tls: nil)
        #expect(await worker.run { await ask($0, upstream) } == "protocolViolation")
    }
}
