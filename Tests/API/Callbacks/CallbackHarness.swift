import Glibc
import Gossip
import Synchronization
import Testing

@testable import API
@testable import Routing
@testable import Transport

/// A node's API port on real sockets, with callbacks that the test makes itself.
struct CallbackNode {
    let workers: [Worker]
    let client: Worker
    let upstream: Upstream
    let callbacks = CallbackTable()
    static let secret = "an internal secret of the site"

    struct Control: NodeControl {
        var notReady: String? { nil }
        func setDraining(_ draining: Bool) async {}
        func blocksChanged() async {}
        func metrics() async -> String { "" }
        func log(_ level: LogLevel, _ message: String) {}
    }

    /// - Parameter edit: what the API is told beside.
    init(
        callbackTimeout: UInt64 = 30_000_000_000, authenticator: any Authenticator = StaticTokens([:]),
        _ edit: (inout NodeFacts) -> Void = { _ in }
    ) async throws {
        workers = [try Worker(index: 0), try Worker(index: 1)]
        client = try Worker(index: 0)
        let router = Router(me: NodeID(site: "a", node: "a1"), seed: 1)
        var facts = NodeFacts(
            federation: "test", software: "0", startedAt: 0, bodyLimit: 1 << 20, callbackTimeout: callbackTimeout,
            internalSecret: Array(Self.secret.utf8))
        edit(&facts)
        let api = NodeAPI(
            router: router, authenticator: authenticator, facts: facts, control: Control(), callbacks: callbacks)
        let socket = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 2)
        let service = HTTPService(handler: api)
        for worker in workers {
            worker.start()
            await worker.serve(socket, service)
        }
        client.start()
        upstream = Upstream(target: HostPort(host: "127.0.0.1", port: socket.address.port), tls: nil)
    }

    func stop() { for worker in workers + [client] { worker.stop() } }

    /// One request on a connection of its own; the answer's status and body, or the error's code.
    ///
    /// - Parameter chunks: nil: `body` goes with its length; otherwise each is sent as a chunk, and the last chunk only if `isEnded`.
    func post(
        _ path: String, method: StaticString = "POST", fields: [(StaticString, String)], body: [UInt8] = [],
        chunks: [[UInt8]]? = nil, isEnded: Bool = true
    ) async -> String {
        let upstream = upstream
        return await client.run { context in
            do throws(TransportError) {
                let deadline = context.loop.now + 30_000_000_000
                let connection = try await context.pool.acquire(upstream, fresh: true, for: nil, deadline: deadline)
                defer { connection.stream.close() }
                connection.startRequest(method, path)
                for (name, value) in fields { connection.field(name, value) }
                if let chunks {
                    connection.field("Transfer-Encoding", "chunked")
                    connection.endFields()
                    for chunk in chunks {
                        connection.stream.output.append(hexadecimal: chunk.count)
                        connection.stream.output.append("\r\n")
                        connection.stream.output.append(chunk)
                        connection.stream.output.append("\r\n")
                    }
                    if isEnded { connection.stream.output.append("0\r\n\r\n") }
                } else {
                    connection.field("Content-Length", body.count)
                    connection.endFields()
                    connection.stream.output.append(body)
                }
                try await connection.stream.flush()
                if chunks != nil, !isEnded { return "left" }
                let status = try await connection.readHead(deadline: deadline)
                var text = "\(status) "
                while let part = try await connection.nextBodyPart(deadline: deadline) {
                    text += String(decoding: part, as: UTF8.self)
                }
                return text
            } catch { return "\(error.code)" }
        }
    }

    /// What a consumer gets of a callback's answer: `status body`, and how it broke.
    func answer(_ callback: Callback) async -> String {
        await workers[1].run { context in
            // A channel is read on behalf of a client's connection: any open one will do.
            var pair: [Int32] = [0, 0]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0,
                let stream = Stream(descriptor: pair[0], loop: context.loop)
            else { return "no socket" }
            defer {
                stream.close()
                close(pair[1])
            }
            var text = ""
            do throws(TransportError) {
                let deadline = context.loop.now + 30_000_000_000
                let head = try await callback.answer.head(for: stream, deadline: deadline)
                text = "\(head.status) "
                var buffer = ByteBuffer()
                while try await callback.answer.take(into: &buffer, for: stream, deadline: deadline) {
                    text += String(decoding: buffer.readable, as: UTF8.self)
                    buffer.removeAll()
                }
            } catch { text += "<\(error.code)>" }
            return text
        }
    }
}
