import FoundationEssentials
import Globus
import Synchronization
import Transport

/// A stand-in for Globus Auth and Groups on a real socket; what it answers is up to the test.
final class AuthStub: HTTPHandler {
    struct Request: Sendable, Equatable {
        var method: String
        /// With the query.
        var target: String
        var accept: String?
        var authorization: String?
        var contentType: String?
        var body: String
    }

    struct Answer: Sendable {
        var status = 200
        var body: String
        var retryAfter: String?
    }

    private let seen = Mutex<[Request]>([])
    private let answer: Mutex<@Sendable (Request) async -> Answer>
    private let socket: ListeningSocket
    private let worker: Worker

    init(_ answer: @escaping @Sendable (Request) async -> Answer) async throws {
        self.answer = Mutex(answer)
        socket = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 1)
        worker = try Worker(index: 0)
        worker.start()
        await worker.serve(socket, HTTPService(handler: self))
    }

    var requests: [Request] { seen.withLock { $0 } }
    var count: Int { seen.withLock { $0.count } }
    var services: GlobusServices { GlobusServices(everythingAt: "http://127.0.0.1:\(socket.address.port)") }

    func answer(_ new: @escaping @Sendable (Request) async -> Answer) { answer.withLock { $0 = new } }
    func stop() { worker.stop() }

    func handle(_ exchange: HTTPExchange) async {
        let target = exchange.withHead { head, bytes in String(decoding: bytes[head.target], as: UTF8.self) }
        let method = String(describing: exchange.head.method).uppercased()
        let accept = exchange.text(named: "accept")
        let authorization = exchange.text(named: "authorization")
        let type = exchange.text(named: "content-type")
        do throws(HTTPSyntaxError) {
            let range = try await exchange.readBody(limit: 1 << 20)
            let body = String(decoding: exchange.headBytes[range], as: UTF8.self)
            let request = Request(
                method: method, target: target, accept: accept, authorization: authorization, contentType: type, body: body)
            seen.withLock { $0.append(request) }
            let answer = await answer.withLock { $0 }(request)
            await exchange.respond(status: answer.status, contentType: "application/json", body: answer.body) { exchange in
                if let seconds = answer.retryAfter { exchange.field("Retry-After", seconds) }
            }
        } catch { await exchange.respond(status: error.status, contentType: "text/plain", body: error.reason) }
    }

    func refused(_ error: TransportError, from address: SocketAddress?) {}
}

/// Time that passes only when a test says so, or somebody sleeps.
final class AuthClock: Sendable {
    private let now = Atomic<UInt64>(1_000_000_000_000)
    static let start: UInt64 = 1_795_474_815

    func pass(_ seconds: Double) { now.add(UInt64(seconds * 1e9), ordering: .sequentiallyConsistent) }

    var clock: GlobusClock {
        GlobusClock(
            monotonic: { self.now.load(ordering: .sequentiallyConsistent) },
            wallSeconds: {
                Self.start + (self.now.load(ordering: .sequentiallyConsistent) - 1_000_000_000_000) / 1_000_000_000
            },
            sleep: { self.pass($0) })
    }
}

/// One request of the SDK and an answer to it.
struct GoldenExchange: Decodable, Sendable {
    var method, path: String
    var accept, authorization, contentType: String?
    var body: String
    var status: Int
    var answer: String

    static let all: [GoldenExchange] = {
        struct File: Decodable { var exchanges: [GoldenExchange] }
        let path = String(#filePath.prefix(upTo: #filePath.lastIndex(of: "/") ?? #filePath.endIndex)) + "/Golden/auth.json"
        let data = (try? Data(contentsOf: URL(filePath: path))) ?? Data()
        return (try? JSONDecoder().decode(File.self, from: data))?.exchanges ?? []
    }()

    static func of(_ beginning: String) throws -> GoldenExchange {
        guard let found = all.first(where: { $0.body.hasPrefix(beginning) }) else {
            throw GlobusError(.configuration, "no golden exchange \(beginning)")
        }
        return found
    }
}

let gatewayID = "11111111-1111-4111-8111-111111111111"
let examplePolicy = "99999999-9999-4999-8999-999999999999"

func gateway(_ secret: String = "gateway-secret") -> GlobusClient {
    GlobusClient(clientID: gatewayID) { () throws(GlobusError) in secret }
}

/// An introspection's answer in which a test changes what it is about; nil removes a member.
func introspection(_ changes: [String: String?] = [:]) -> String {
    var members: [String: String] = [
        "active": "true", "scope": #""https://auth.globus.org/scopes/\#(gatewayID)/action_all""#, "sub": #""a1""#,
        "username": #""alice@anl.gov""#, "exp": "\(AuthClock.start + 172_800)", "aud": #"["\#(gatewayID)"]"#,
        "identity_set_detail":
            #"[{"sub":"a1","username":"alice@anl.gov","identity_provider":"p1"},{"id":"a2","username":"alice@uni.edu","identity_provider":"p2"}]"#,
        "session_info": #"{"authentications":{"a1":{"idp":"p1","auth_time":1795474758}}}"#,
    ]
    for (name, value) in changes { members[name] = value }
    return "{" + members.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
}
