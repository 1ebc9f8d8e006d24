import CLinux
import Glibc
import Synchronization
import Testing

@testable import Transport

/// DESIGN §4: what hedging, deadlines and links dialled by the other side stand on.
@Suite struct PrimitiveTests {
    /// One task, two attempts: whichever speaks first wakes it; the other is given up and its server sees that.
    @Test(arguments: [0, 1]) func eitherOfTwoAttempts(winner: Int) async throws {
        let gone = Counter()
        let servers = try await Servers.start { exchange in
            if exchange.path == "/fast" {
                return await exchange.respond(status: 200, contentType: "text/plain", body: "fast")
            }
            let outcome = await Parking().wait(for: exchange.stream, deadline: .max)
            if outcome == .clientGone { gone.raise() }
            exchange.stream.close()
        }
        defer { servers.stop() }
        let upstream = servers.upstream()
        let status = await servers.client.run { context -> Int in
            do throws(TransportError) {
                let pair = [
                    try await context.pool.acquire(upstream, fresh: true),
                    try await context.pool.acquire(upstream, fresh: true),
                ]
                for (index, connection) in pair.enumerated() {
                    connection.startRequest("GET", index == winner ? "/fast" : "/slow")
                    connection.endFields()
                    try await connection.stream.flush()
                    connection.stream.readDeadline = soon(context)
                }
                // A fresh stream may look readable until it was read once: that wakes too, and costs one more turn.
                while true {
                    await Stream.waitEither(pair[0].stream, pair[1].stream)
                    if pair[winner].stream.canRead { break }
                    pair[1 - winner].stream.canRead = false
                }
                let status = try await pair[winner].readHead(deadline: soon(context))
                pair[1 - winner].stream.close()
                let alarm = Alarm(loop: context.loop)
                while gone.count == 0 { await alarm.sleep(nanoseconds: 1_000_000) }
                return status
            } catch { return -1 }
        }
        #expect(status == 200)
    }

    @Test func aClientThatGoesCancelsTheAttemptMadeForIt() async throws {
        let cancelled = Counter()
        let far = try await Servers.start { exchange in
            if await Parking().wait(for: exchange.stream, deadline: .max) == .clientGone { cancelled.raise() }
            exchange.stream.close()
        }
        defer { far.stop() }
        let upstream = far.upstream()
        let near = try await Servers.start { exchange in
            do throws(TransportError) {
                let connection = try await exchange.worker.pool.acquire(upstream, for: exchange.stream)
                connection.startRequest("GET", "/")
                connection.endFields()
                try await connection.stream.flush()
                _ = try await connection.readHead(deadline: .max)
            } catch {
                if error.code == .cancelled { cancelled.raise() }
            }
            exchange.stream.attempts.0?.close()
            exchange.stream.close()
        }
        defer { near.stop() }
        let entry = near.upstream()
        _ = await near.client.run { await ask($0, entry, deadline: $0.loop.now + 100_000_000) }
        await near.client.run { context in
            let alarm = Alarm(loop: context.loop)
            while cancelled.count < 2 { await alarm.sleep(nanoseconds: 1_000_000) }
        }
        #expect(cancelled.count == 2)
    }

    /// Dials only once the client, whom nothing tells it of, has gone.
    private struct LateDialler: StreamDialler {
        let address: SocketAddress

        func dial(
            with dialler: Dialler, for client: Transport.Stream?, deadline: UInt64
        ) async throws(TransportError) -> Transport.Stream {
            let alarm = Alarm(loop: dialler.loop)
            while client?.peerHungUp == false { await alarm.sleep(nanoseconds: 1_000_000) }
            return try await connect(dialler.loop, to: address, for: client, deadline: deadline)
        }
    }

    @Test func aClientThatGoesBeforeAnAttemptBeginsCancelsIt() async throws {
        let far = try await Servers.start { await $0.respond(status: 200, contentType: "text/plain", body: "far") }
        defer { far.stop() }
        let upstream = Upstream(
            target: HostPort(host: far.address.host, port: far.address.port), tls: nil,
            way: .over(LateDialler(address: far.address)))
        let outcomes = Refusals()
        let near = try await Servers.start { exchange in
            do throws(TransportError) {
                try await exchange.worker.pool.acquire(upstream, for: exchange.stream).stream.close()
                outcomes.add("connected")
            } catch { outcomes.add("\(error.code)") }
            exchange.stream.close()
        }
        defer { near.stop() }
        let entry = near.upstream()
        await near.client.run { context in
            _ = await ask(context, entry, deadline: context.loop.now + 100_000_000)
            let alarm = Alarm(loop: context.loop)
            while outcomes.all.isEmpty { await alarm.sleep(nanoseconds: 1_000_000) }
        }
        #expect(outcomes.all == ["cancelled"])
    }

    /// Who dialled and who serves are independent: a site that can only connect outwards serves over what it dialled.
    @Test func theDiallerServes() async throws {
        let worker = try Worker(index: 0)
        let site = try Worker(index: 1)
        worker.start()
        site.start()
        defer {
            worker.stop()
            site.stop()
        }
        let socket = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 1)
        let service = HTTPService(
            handler: Handler { await $0.respond(status: 200, contentType: "text/plain", body: "from the dialler") })
        site.spawn { context in _ = context }
        Task { try? await site.serve(dialling: socket.address, deadline: .max, service) }
        let answer = await worker.run { context -> String in
            let box = Box()
            let acceptor = Acceptor(descriptor: socket.descriptors[0], loop: context.loop) { box.descriptor = $0 }
            acceptor.start()
            defer { acceptor.close() }
            let alarm = Alarm(loop: context.loop)
            while box.descriptor < 0 { await alarm.sleep(nanoseconds: 1_000_000) }
            guard let stream = Stream(descriptor: box.descriptor, loop: context.loop) else { return "no stream" }
            let connection = HTTPClientConnection(
                stream: stream, upstream: Upstream(target: HostPort(host: "site", port: 1), tls: nil))
            connection.startRequest("GET", "/")
            connection.endFields()
            do throws(TransportError) {
                try await connection.stream.flush()
                _ = try await connection.readHead(deadline: soon(context))
                guard let part = try await connection.nextBodyPart(deadline: soon(context)) else { return "no body" }
                let text = String(decoding: part, as: UTF8.self)
                stream.close()
                return text
            } catch { return error.message }
        }
        #expect(answer == "from the dialler")
    }

    private final class Box {
        var descriptor: Int32 = -1
    }

    @Test func aPortInUseIsAnErrorAlthoughLoopsShareOne() throws {
        let socket = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 2)
        defer { socket.close() }
        #expect(throws: TransportError.self) { try ListeningSocket.bind(socket.address, count: 2) }
    }

    @Test func anInheritedSocketServes() async throws {
        let socket = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 1)
        let inherited = try ListeningSocket.inherited(descriptor: socket.descriptors[0])
        #expect(inherited.address == socket.address)
        let workers = [try Worker(index: 0), try Worker(index: 1)]
        let service = HTTPService(handler: Handler { await $0.respond(status: 200, contentType: "text/plain", body: "ok") })
        for worker in workers {
            worker.start()
            await worker.serve(inherited, service)
        }
        defer { for worker in workers { worker.stop() } }
        let upstream = Upstream(target: HostPort(host: "127.0.0.1", port: socket.address.port), tls: nil)
        #expect(await workers[1].run { await ask($0, upstream) } == "200 ok")
        #expect(throws: TransportError.self) { try ListeningSocket.inherited(descriptor: 0) }
    }

    @Test func aParkingEndsOnce() async {
        let parking = Parking()
        let granted = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { if parking.grant() { granted.raise() } }
            }
        }
        #expect(granted.count == 1)
    }
}
