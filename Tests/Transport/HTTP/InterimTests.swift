import Glibc
import Testing

@testable import Transport

@Suite struct InterimTests {
    /// All that a server says to one request.
    ///
    /// - Parameter pause: nanoseconds in which the client reads nothing.
    private func heard(
        pause: UInt64 = 0, _ body: @escaping @Sendable (HTTPExchange) async -> Void
    ) async throws -> String {
        let servers = try await Servers.start(body)
        defer { servers.stop() }
        return await servers.client.run { context in
            guard let stream = try? await connect(context.loop, to: servers.address, deadline: soon(context)) else {
                return "no connection"
            }
            defer { stream.close() }
            stream.output.append("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            try? await stream.flush()
            if pause > 0 { await Alarm(loop: context.loop).sleep(nanoseconds: pause) }
            stream.readDeadline = soon(context)
            while (try? await stream.fill()) ?? 0 > 0 {}
            return String(decoding: stream.input.readable, as: UTF8.self)
        }
    }

    private static let interim = "HTTP/1.1 102 Processing\r\n\r\n"

    @Test func anAnswerThatTakesItsTimeGivesSignsOfLife() async throws {
        let text = try await heard { exchange in
            exchange.sayProcessing(every: 20_000_000)
            // Its head is being made, and may still be taken back.
            await Alarm(loop: exchange.worker.loop).sleep(nanoseconds: 100_000_000)
            exchange.startAnswer(200)
            await Alarm(loop: exchange.worker.loop).sleep(nanoseconds: 100_000_000)
            exchange.endFields(.length(2))
            do throws(TransportError) {
                try await exchange.write("ok")
                try await exchange.finishAnswer()
            } catch {}
        }
        #expect(text.hasPrefix(Self.interim + Self.interim + Self.interim))
        // Nothing after the head has begun.
        #expect(text.hasSuffix("\r\n\r\nok"))
        var rest = Substring(text)
        while rest.hasPrefix(Self.interim) { rest = rest.dropFirst(Self.interim.count) }
        #expect(rest.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test func aSilentStreamSaysACommentBetweenEvents() async throws {
        let text = try await heard { exchange in
            exchange.sayProcessing(every: 20_000_000)
            exchange.startAnswer(200)
            exchange.endFields(.streamed)
            exchange.answersWithEvents = true
            do throws(TransportError) {
                try await exchange.write("data: 1\n\n")
                await Alarm(loop: exchange.worker.loop).sleep(nanoseconds: 200_000_000)
                try await exchange.write("data: 2\n\n")
                try await exchange.finishAnswer()
            } catch {}
        }
        let comment = "3\r\n:\n\n\r\n"
        #expect(text.contains("9\r\ndata: 1\n\n\r\n\(comment)\(comment)"))
        #expect(text.hasSuffix("\(comment)9\r\ndata: 2\n\n\r\n0\r\n\r\n"))
    }

    /// The server said at once that it will stream, and its first event takes its time: the head waits for that.
    @Test func aHeadThatWaitsForItsFirstEvent() async throws {
        let text = try await heard { exchange in
            exchange.sayProcessing(every: 20_000_000)
            exchange.startAnswer(200)
            exchange.endFields(.streamed)
            exchange.answersWithEvents = true
            await Alarm(loop: exchange.worker.loop).sleep(nanoseconds: 200_000_000)
            do throws(TransportError) {
                try await exchange.write("data: 1\n\n")
                try await exchange.finishAnswer()
            } catch {}
        }
        #expect(text.hasPrefix(Self.interim + Self.interim))
        #expect(text.hasSuffix("\r\n\r\n9\r\ndata: 1\n\n\r\n0\r\n\r\n"))
    }

    /// Nothing may come between the bytes of an event that the client takes slowly; after it signs of life go on.
    @Test func aClientThatReadsSlowlyGetsWholeEvents() async throws {
        let bytes = 16 << 20
        let text = try await heard(pause: 200_000_000) { exchange in
            exchange.sayProcessing(every: 20_000_000)
            exchange.startAnswer(200)
            exchange.endFields(.streamed)
            exchange.answersWithEvents = true
            let event = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 1)
            defer { event.deallocate() }
            event.initializeMemory(as: UInt8.self, repeating: UInt8(ascii: "x"))
            do throws(TransportError) {
                try await exchange.write(UnsafeRawBufferPointer(event))
                await Alarm(loop: exchange.worker.loop).sleep(nanoseconds: 200_000_000)
                try await exchange.write("data: 2\n\n")
                try await exchange.finishAnswer()
            } catch {}
        }
        let comment = "3\r\n:\n\n\r\n"
        let parts = text.split(separator: String(repeating: "x", count: bytes), omittingEmptySubsequences: false)
        #expect(parts.count == 2)
        #expect(parts.first?.hasSuffix("\r\n1000000\r\n") == true)
        #expect(parts.last?.hasPrefix("\r\n\(comment)\(comment)") == true)
        #expect(parts.last?.hasSuffix("\(comment)9\r\ndata: 2\n\n\r\n0\r\n\r\n") == true)
    }

    @Test func aQuickAnswerIsAsEver() async throws {
        let text = try await heard { exchange in
            exchange.sayProcessing(every: 20_000_000_000)
            await exchange.respond(status: 200, contentType: "text/plain", body: "ok")
        }
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }
}
