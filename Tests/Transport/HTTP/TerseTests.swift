import Testing

@testable import Transport

/// The shortest exchange between our own nodes: what its heads cost, which is what gossip reckons with.
@Suite struct TerseTests {
    struct Heads: Equatable, Sendable {
        var status: Int
        var request: Int
        var answer: Int
        var body: [UInt8]
    }

    /// One exchange, its heads measured at the end that reads them.
    private func exchange(_ count: Int, answeredBy answer: [UInt8], status: Int? = nil) async throws -> Heads? {
        let measured = Counter()
        let servers = try await Servers.start { exchange in
            guard (try? await exchange.readBody(limit: 1 << 20)) != nil else { return }
            for _ in 0..<exchange.head.length { measured.raise() }
            await exchange.respondTersely(answer, status: status)
        }
        defer { servers.stop() }
        let upstream = servers.upstream()
        let heads: Heads? = await servers.client.run { context in
            do throws(TransportError) {
                let connection = try await context.pool.acquire(upstream, deadline: soon(context))
                connection.startRequest("POST", "/g", host: "m")
                connection.field("Content-Length", count)
                connection.endFields()
                connection.stream.output.append([UInt8](repeating: 7, count: count))
                try await connection.stream.flush()
                let status = try await connection.readHead(deadline: soon(context))
                let length = connection.head.length
                var body: [UInt8] = []
                while let part = try await connection.nextBodyPart(deadline: soon(context)) { body.append(contentsOf: part) }
                context.pool.release(connection)
                return Heads(
                    status: status, request: 0, answer: length, body: context.pool.idleCount == 1 ? body : [])
            } catch { return nil }
        }
        return heads.map { Heads(status: $0.status, request: measured.count, answer: $0.answer, body: $0.body) }
    }

    @Test(arguments: [(5, 48), (16, 49), (512, 50), (4096, 51), (99_999, 52)])
    func aRequestHasAFewBytes(body: Int, head: Int) async throws {
        #expect(try await exchange(body, answeredBy: [])?.request == head)
    }

    @Test func anEmptyAnswerHasNoLengthAndKeepsTheConnection() async throws {
        let heads = try #require(try await exchange(16, answeredBy: []))
        #expect(heads == Heads(status: 204, request: 49, answer: 17, body: []))
    }

    @Test(arguments: [(5, 36), (16, 37), (512, 38), (4096, 39)])
    func anAnswerHasAFewBytes(body: Int, head: Int) async throws {
        let bytes = [UInt8](repeating: 9, count: body)
        let heads = try #require(try await exchange(16, answeredBy: bytes))
        #expect(heads.answer == head && heads.status == 200 && heads.body == bytes)
    }

    @Test func aRefusalSaysOnlyItsStatus() async throws {
        #expect(try await exchange(16, answeredBy: [], status: 429)?.answer == 36)
    }
}
