import Testing
import Transport
import Trust

@testable import Emulation

/// An emulation of Globus and a client, each on a loop of its own.
struct GlobusHarness {
    static let gateway = "11111111-1111-4111-8111-111111111111"
    static let node = "22222222-2222-4222-8222-222222222222"
    static let native = "33333333-3333-4333-8333-333333333333"
    static let endpoint = "e0000000-0000-4000-8000-000000000001"
    static let policy = "99999999-9999-4999-8999-999999999999"
    static let group = "90000000-0000-4000-8000-000000000001"
    static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    /// Of `verifier` (RFC 7636, appendix B).
    static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    let emulation: GlobusEmulationHandle
    let client: Worker
    private let upstream: Upstream

    init(_ change: (inout GlobusEmulationSettings) -> Void = { _ in }) throws {
        var settings = try Self.settings()
        change(&settings)
        emulation = try GlobusEmulation.start(settings)
        client = try Worker(index: 0)
        client.start()
        upstream = Upstream(target: HostPort(host: "127.0.0.1", port: emulation.address.port), tls: nil)
    }

    func stop() async {
        await emulation.stop()
        client.stop()
    }

    /// Runs a test with an emulation that ends with it.
    static func run(
        _ change: (inout GlobusEmulationSettings) -> Void = { _ in }, _ body: (GlobusHarness) async throws -> Void
    ) async throws {
        let harness = try GlobusHarness(change)
        do {
            try await body(harness)
        } catch {
            await harness.stop()
            throw error
        }
        await harness.stop()
    }

    static func settings() throws -> GlobusEmulationSettings {
        let text = """
            {"clients": [
               {"id": "\(gateway)", "secret": "gateway-secret", "kind": "confidential", "redirects": ["http://127.0.0.1/back"]},
               {"id": "\(node)", "secret": "node-secret"},
               {"id": "\(native)", "secret": null, "kind": "native", "redirects": ["http://127.0.0.1/back"]}],
             "users": [
               {"username": "alice@anl.gov", "sub": "a11ce000-0000-4000-8000-000000000001", "name": "Alice Example",
                "idp": "a0000000-0000-4000-8000-00000000a271", "idpName": "Argonne National Laboratory",
                "tokens": ["Ag-alice", {"token": "Ag-expired", "expiresInSeconds": -1}],
                "groups": [{"id": "\(group)", "name": "inference-users", "status": "active"},
                           {"id": "90000000-0000-4000-8000-000000000002", "name": "others", "status": "pending"}],
                "policies": {"\(policy)": true}, "authTime": 60},
               {"username": "bob@uchicago.edu", "sub": "b0b00000-0000-4000-8000-000000000001", "domain": "cs.uchicago.edu",
                "tokens": ["Ag-bob"]}],
             "endpoints": [{"id": "\(endpoint)", "name": "test", "workers": 2}],
             "rateLimit": {"requests": 1000000, "seconds": 10}, "pollLatencySeconds": 0}
            """
        return try GlobusEmulationSettings(configuration: Array(text.utf8), path: "test.json")
    }

    struct Answer: Sendable {
        var status: Int
        var server: String?
        var retryAfter: String?
        var location: String?
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
        var json: JSONValue { get throws { try JSONReader.read(body) } }
    }

    func send(
        _ method: StaticString, _ target: String, authorization: String? = nil, body: [UInt8] = [],
        accept: String = "application/json"
    ) async throws(TransportError) -> Answer {
        let upstream = upstream
        let result: Result<Answer, TransportError> = await client.run { context in
            do throws(TransportError) {
                let connection = try await context.pool.acquire(upstream, fresh: true)
                defer { connection.stream.close() }
                connection.startRequest(method, target)
                if let authorization { connection.field("Authorization", authorization) }
                connection.field("Accept", accept)
                connection.field("Content-Length", body.count)
                connection.endFields()
                connection.stream.output.append(body)
                try await connection.stream.flush()
                let status = try await connection.readHead(deadline: .max)
                func field(_ name: HTTPFieldName) -> String? {
                    connection.head.first(name).map { String(decoding: connection.headBytes[$0], as: UTF8.self) }
                }
                var answer = Answer(
                    status: status, server: field(.server), retryAfter: field(.retryAfter), location: field(.location),
                    body: [])
                while let part = try await connection.nextBodyPart(deadline: .max) { answer.body.append(contentsOf: part) }
                return .success(answer)
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    static func basic(_ id: String, _ secret: String) -> String { "Basic \(Base64.encode(Array("\(id):\(secret)".utf8)))" }
    static let asGateway = basic(gateway, "gateway-secret")
    static let asNode = basic(node, "node-secret")

    func form(_ path: String, _ fields: [(String, String)], as authorization: String? = asGateway) async throws -> Answer {
        let body = fields.map { "\(Form.escaped($0.0))=\(Form.escaped($0.1))" }.joined(separator: "&")
        return try await send("POST", path, authorization: authorization, body: Array(body.utf8))
    }

    func introspect(_ token: String, _ more: [(String, String)] = [], as client: String = asGateway) async throws
        -> JSONValue
    {
        try await form("/v2/oauth2/token/introspect", [("token", token)] + more, as: client).json
    }

    /// A token for Compute of a client.
    func computeToken(as client: String = asNode) async throws -> String {
        let scope = "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all"
        let answer = try await form(
            "/v2/oauth2/token", [("grant_type", "client_credentials"), ("scope", scope)], as: client)
        return try #require(try answer.json["access_token"]?.text)
    }

    func get(_ path: String, _ token: String) async throws -> Answer {
        try await send("GET", path, authorization: "Bearer \(token)")
    }

    func post(_ path: String, _ value: JSONValue, _ token: String) async throws -> Answer {
        try await send("POST", path, authorization: "Bearer \(token)", body: Array(value.json.utf8))
    }

    static func registration(_ name: String, code: String, serialized: Bool = true) -> JSONValue {
        [
            "function_name": .string(name), "function_code": .string(code), "serialized": .bool(serialized),
            "meta": ["python_version": "3.11.7", "sdk_version": "4.19.0", "serde_identifier": "st"],
        ]
    }

    /// Registers source text; gives its id.
    func register(_ name: String = "f", source: String, _ token: String) async throws -> String {
        let code = GlobusCompute.packed("st\n\(name):\(source)")
        let answer = try await post("/v3/functions", Self.registration(name, code: code), token)
        return try #require(try answer.json["function_uuid"]?.text)
    }

    /// The arguments of a task, packed, both as JSON.
    static func arguments(_ arguments: String = "[]") -> JSONValue {
        .string(GlobusCompute.packed("11\n" + arguments) + GlobusCompute.packed("11\n{}"))
    }

    static let json: JSONValue = ["globus_compute_sdk.serialize.JSONData"]

    /// Submits one task; gives its id.
    func submit(
        _ function: String, _ arguments: String = "[]", serializers: JSONValue? = json, _ token: String
    ) async throws -> String {
        let tasks = JSONValue.object([JSONMember(name: function, value: [Self.arguments(arguments)])])
        var body = JSONMember(name: "tasks", value: tasks)
        var members = [JSONMember(name: "create_queue", value: false), body]
        if let serializers {
            body = JSONMember(name: "result_serializers", value: serializers)
            members.append(body)
        }
        let answer = try await post("/v3/endpoints/\(Self.endpoint)/submit", .object(members), token)
        #expect(answer.status == 200, "\(answer.text)")
        return try #require(try answer.json["tasks"]?[function]?.items?.first?.text)
    }

    /// Asks for a task until it is done; gives what is told of it.
    func outcome(_ task: String, _ token: String) async throws -> JSONValue {
        while true {
            let answer = try await post("/v2/batch_status", ["task_ids": [.string(task)]], token).json
            let told = try #require(answer["results"]?[task], "the task is not known")
            if told["status"] == "success" || told["status"] == "failed" { return told }
        }
    }

    /// Registers, submits, waits.
    func call(_ source: String, _ arguments: String = "[]", serializers: JSONValue? = json) async throws -> JSONValue {
        let token = try await computeToken()
        let function = try await register(source: source, token)
        return try await outcome(try await submit(function, arguments, serializers: serializers, token), token)
    }

    func fault(_ value: JSONValue) async throws {
        let answer = try await send("POST", "/emulation/faults", body: Array(value.json.utf8))
        #expect(answer.status == 200, "\(answer.text)")
    }

    /// Seconds since the emulation's start.
    func time() async throws -> Double {
        let state = try await state()
        return try #require(state["time"]?.double)
    }

    func state() async throws -> JSONValue { try await send("GET", "/emulation/state").json }
}
