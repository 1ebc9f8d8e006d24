import Testing
import Transport
import Trust

@testable import Emulation

@Suite("Emulated Globus Compute")
struct GlobusComputeTests {
    typealias Harness = GlobusHarness

    static let source = "def f(x):\n    return {\"a\": x}\n"

    /// As DillCodeSource writes it: a pickled pair of texts in base64.
    static func pickledSource(_ name: String, _ source: String) -> String {
        var pickle: [UInt8] = [0x80, 2]
        for text in [name, source] {
            pickle.append(0x58)
            pickle += withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { Array($0) }
            pickle += text.utf8
        }
        return "04\n" + Base64.encode(pickle + [0x86, 0x2E])
    }

    @Test(
        "a function in each form runs and returns",
        arguments: [
            (GlobusCompute.packed("st\nf:\(source)"), true), (GlobusCompute.packed(pickledSource("f", source)), true),
            (source, false),
        ])
    func forms(_ code: String, _ serialized: Bool) async throws {
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            let registered = try await harness.post(
                "/v3/functions", Harness.registration("f", code: code, serialized: serialized), token)
            let function = try #require(try registered.json["function_uuid"]?.text)
            let told = try await harness.outcome(try await harness.submit(function, "[[1, \"\\u00e9\"]]", token), token)
            #expect(told["status"] == "success")
            #expect(told["result"] == "11\n{\"a\": [1, \"\\u00e9\"]}")
            #expect(told.members?.map(\.name) == ["task_id", "status", "result", "completion_t", "details"])
            #expect(told["details"]?["task_transitions"]?["execution-end"]?.double != nil)
            #expect(told["completion_t"]?.text.flatMap { Double($0) } != nil)
        }
    }

    @Test("a registered function is told as it was, and is gone when deleted")
    func functions() async throws {
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            let foreign = try await harness.computeToken(as: Harness.asGateway)
            let function = try await harness.register(source: Self.source, token)
            let told = try await harness.get("/v2/functions/\(function)", token).json
            #expect(told["function_code"]?.text == GlobusCompute.packed("st\nf:\(Self.source)"))
            #expect(try await harness.get("/v2/functions/\(function)", foreign).status == 403)
            let bearer = "Bearer \(token)"
            let path = "/v2/functions/\(function)"
            #expect(try await harness.send("DELETE", path, authorization: "Bearer \(foreign)").status == 403)
            #expect(try await harness.send("DELETE", path, authorization: bearer).status == 200)
            #expect(try await harness.get(path, token).status == 404)
        }
    }

    @Test(
        "how failures are told",
        arguments: [
            (
                "def f():\n    raise Exception('API request failed with status code: 404\\nResponse text: {}')\n",
                "Traceback (most recent call last):\n  File \"<string>\", line 2, in f\n"
                    + "Exception: API request failed with status code: 404\nResponse text: {}\n"
            ),
            ("def f(a):\n    pass\n", "TypeError: f() missing 1 required positional argument: 'a'\n"),
            ("def f(:\n    pass\n", "SyntaxError: invalid syntax\n"), ("def g():\n    pass\n", "KeyError: 'f'\n"),
            ("def f():\n    return b'x'\n", "SerializationError: Serialization failed: All strategies failed.\n"),
            ("def f():\n    return 'x' * (11 << 20)\n", "MaxResultSizeExceeded(11534341, 10485760)"),
            ("import os\ndef f():\n    os._exit(3)\n", "WorkerLost: Task failure due to loss of worker 0"),
        ])
    func failures(_ source: String, _ text: String) async throws {
        try await Harness.run { harness in
            let told = try await harness.call(source)
            #expect(told["status"] == "failed" && told["result"] == nil)
            let exception = try #require(told["exception"]?.text)
            #expect(exception.contains(text), "\(exception.suffix(400))")
            #expect(!exception.contains("<worker>") || exception.contains("All strategies"))
        }
    }

    @Test(
        "what each release of the agent understands",
        arguments: [
            ([2, 28, 0], false, "Invalid header: st"), ([2, 28, 0], true, "00\n"), ([3, 3, 0], false, "00\n"),
            ([3, 6, 0], false, "11\n"), ([4, 19, 0], true, "11\n"),
        ])
    func releases(_ agent: [Int], _ pickled: Bool, _ begins: String) async throws {
        try await Harness.run({ $0.endpoints[0].agent = agent }) { harness in
            let token = try await harness.computeToken()
            let code = pickled ? Self.pickledSource("f", Self.source) : "st\nf:\(Self.source)"
            let registered = try await harness.post(
                "/v3/functions", Harness.registration("f", code: GlobusCompute.packed(code)), token)
            let function = try #require(try registered.json["function_uuid"]?.text)
            let told = try await harness.outcome(try await harness.submit(function, "[1]", token), token)
            #expect((told["result"] ?? told["exception"])?.text?.contains(begins) == true, "\(told)")
        }
    }

    @Test("the second serializer is tried where the first cannot")
    func secondSerializer() async throws {
        try await Harness.run { harness in
            let both: JSONValue = [
                "globus_compute_sdk.serialize.JSONData", "globus_compute_sdk.serialize.concretes.DillDataBase64",
            ]
            let told = try await harness.call("def f():\n    return b'x'\n", serializers: both)
            #expect(told["result"]?.text?.hasPrefix("00\n") == true)
            let pickled = try await harness.call("def f():\n    return None\n", serializers: nil)
            #expect(pickled["result"] == "00\ngAROLg==\n")
        }
    }

    static let routes: [(StaticString, String)] = [
        ("GET", "/v2/version"), ("GET", "/v2/endpoints/\(Harness.endpoint)"),
        ("GET", "/v2/endpoints/\(Harness.endpoint)/status"), ("GET", "/v3/endpoints/\(Harness.endpoint)/allowed_functions"),
        ("POST", "/v3/functions"), ("GET", "/v2/functions/x"), ("DELETE", "/v2/functions/x"),
        ("POST", "/v3/endpoints/\(Harness.endpoint)/submit"), ("POST", "/v2/batch_status"), ("GET", "/v2/tasks/x"),
        ("GET", "/v2/taskgroup/x"),
    ]

    @Test("no route answers without a good token for Compute", arguments: 0..<routes.count)
    func unauthenticated(_ index: Int) async throws {
        let (method, path) = Self.routes[index]
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            try await harness.fault(["revokeToken": .string(token)])
            for authorization in [nil, Harness.asNode, "Bearer Ag-alice", "Bearer Ag-expired", "Bearer \(token)"] {
                let answer = try await harness.send(method, path, authorization: authorization)
                #expect(answer.status == 401 && answer.server == "meshnode-globus-emulation")
                #expect(try answer.json["code"] == "USER_UNAUTHENTICATED")
            }
        }
    }

    @Test("a token that is too old")
    func expired() async throws {
        try await Harness.run({ $0.tokenSeconds = 0 }) { harness in
            let token = try await harness.computeToken()
            #expect(try await harness.get("/v2/version", token).status == 401)
        }
    }

    @Test(
        "what is not there",
        arguments: [
            ("/v2/endpoints/x", "ENDPOINT_NOT_FOUND"), ("/v2/endpoints/x/status", "ENDPOINT_NOT_FOUND"),
            ("/v3/endpoints/x/allowed_functions", "ENDPOINT_NOT_FOUND"), ("/v2/functions/x", "FUNCTION_NOT_FOUND"),
            ("/v2/tasks/x", "TASK_NOT_FOUND"), ("/v2/taskgroup/x", "TASK_GROUP_NOT_FOUND"), ("/v2/nothing", "NOT_FOUND"),
        ])
    func missing(_ path: String, _ code: String) async throws {
        try await Harness.run { harness in
            let answer = try await harness.get(path, try await harness.computeToken())
            #expect(answer.status == 404)
            let told = try answer.json
            #expect(told["code"] == .string(code) && told["message"] == told["reason"])
        }
    }

    @Test("endpoints tell what their kind of agent tells")
    func endpoints() async throws {
        try await Harness.run({
            var core = $0.endpoints[0]
            core.id = "e0000000-0000-4000-8000-000000000002"
            core.isMultiUser = true
            var silent = $0.endpoints[0]
            silent.id = "e0000000-0000-4000-8000-000000000003"
            silent.managers = nil
            silent.isOnline = false
            $0.endpoints += [core, silent]
        }) { harness in
            let token = try await harness.computeToken()
            let own = try await harness.get("/v2/endpoints/\(Harness.endpoint)/status", token).json
            #expect(own["status"] == "online" && own["details"]?["managers"] == 1 && own["details"]?["idle_workers"] == 2)
            let core = try await harness.get("/v2/endpoints/e0000000-0000-4000-8000-000000000002/status", token).text
            #expect(core == "{\"status\": \"online\", \"details\": {\"heartbeat_period\": 30.0}}")
            let silent = try await harness.get("/v2/endpoints/e0000000-0000-4000-8000-000000000003/status", token).json
            #expect(silent["status"] == "offline" && silent["details"]?["managers"] == nil)
            let told = try await harness.get("/v2/endpoints/e0000000-0000-4000-8000-000000000002", token).json
            #expect(told["multi_user"] == true && told["endpoint_version"] == "4.19.0")
            let versions = try await harness.get("/v2/version?service=all", token).json
            #expect(versions["min_sdk_version"] == "2.0.1")
        }
    }
}
