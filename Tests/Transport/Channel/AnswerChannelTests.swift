import Testing

@testable import Transport

/// An answer that comes on one loop and goes out on another, with real connections at both ends.
@Suite struct AnswerChannelTests {
    /// What the consumer, a server's handler, sends on as its own answer: the channel's pieces, or the error's code.
    static func consume(_ channel: AnswerChannel, _ exchange: HTTPExchange, deadline: UInt64? = nil) async {
        let deadline = deadline ?? exchange.worker.loop.now + 30_000_000_000
        var text = ""
        do throws(TransportError) {
            let head = try await channel.head(for: exchange.stream, deadline: deadline)
            text = "\(head.status) "
            var buffer = ByteBuffer()
            while try await channel.take(into: &buffer, for: exchange.stream, deadline: deadline) {
                text += String(decoding: buffer.readable, as: UTF8.self)
                buffer.removeAll()
            }
        } catch { text += "\(error.code)" }
        await exchange.respond(status: 200, contentType: "text/plain", body: text)
    }

    private static let head = AnswerChannel.Head(status: 206, contentType: "text/plain")

    @Test func piecesCrossLoopsInOrder() async throws {
        let channel = AnswerChannel()
        let servers = try await Servers.start { await Self.consume(channel, $0) }
        defer { servers.stop() }
        let upstream = servers.upstream()
        async let answer = servers.client.run { await ask($0, upstream) }
        #expect(channel.begin(Self.head))
        #expect(!channel.begin(Self.head), "an answer has one head")
        for number in 0..<200 { #expect(channel.offer(Array("\(number),".utf8))) }
        channel.end()
        #expect(!channel.offer([1]), "nothing follows the end")
        let expected = "200 206 " + (0..<200).map { "\($0)," }.joined()
        #expect(await answer == expected)
    }

    @Test func whatBreaksItIsToldAfterWhatCame() async throws {
        let channel = AnswerChannel()
        let servers = try await Servers.start { await Self.consume(channel, $0) }
        defer { servers.stop() }
        let upstream = servers.upstream()
        _ = channel.begin(Self.head)
        _ = channel.offer(Array("some ".utf8))
        channel.end(TransportError(.protocolViolation, "no more"))
        #expect(!channel.end(), "the first end counts")
        #expect(await servers.client.run { await ask($0, upstream) } == "200 206 some protocolViolation")
    }

    @Test func aDeadlineEndsTheWaitForAHead() async throws {
        let channel = AnswerChannel()
        let servers = try await Servers.start {
            await Self.consume(channel, $0, deadline: $0.worker.loop.now + 20_000_000)
        }
        defer { servers.stop() }
        let upstream = servers.upstream()
        #expect(await servers.client.run { await ask($0, upstream) } == "200 timedOut")
    }

    /// A bringer that is ahead waits for room, and goes on when its pieces are taken; one whose answer nobody wants is cut off.
    @Test func aBringerWaitsForRoomAndIsCutOffWhenNobodyListens() async throws {
        let channel = AnswerChannel()
        _ = channel.begin(Self.head)
        let piece = [UInt8](repeating: 65, count: AnswerChannel.heldBytes)
        #expect(channel.offer(piece))
        let servers = try await Servers.start { exchange in
            let cutter = StreamCutter(exchange.stream)
            let now = exchange.worker.loop.now
            if exchange.path == "/full" {
                let isFree = await channel.room(for: exchange.stream, deadline: now + 20_000_000)
                await exchange.respond(status: 200, contentType: "text/plain", body: "\(isFree)")
            } else {
                channel.onAbandoned { cutter.cut() }
                // Waits for more of the body than comes.
                _ = try? await exchange.nextBodyPart(limit: 100)
                _ = try? await exchange.nextBodyPart(limit: 100)
            }
        }
        defer { servers.stop() }
        let upstream = servers.upstream()
        #expect(await servers.client.run { await ask($0, upstream, "/full") } == "200 false")
        async let waiting = servers.client.run { context in
            do throws(TransportError) {
                let connection = try await context.pool.acquire(upstream, fresh: true, for: nil, deadline: soon(context))
                connection.startRequest("POST", "/")
                connection.field("Content-Length", 10)
                connection.endFields()
                connection.stream.output.append("12345")
                try await connection.stream.flush()
                _ = try await connection.readHead(deadline: soon(context))
                return "answered"
            } catch { return "\(error.code)" }
        }
        channel.abandon()
        #expect(channel.isAbandoned)
        #expect(!channel.offer([1]))
        #expect(await waiting != "answered", "the connection of a bringer nobody listens to must end")
    }
}
