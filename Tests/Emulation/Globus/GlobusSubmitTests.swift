import Testing
import Transport

@testable import Emulation

@Suite("Tasks of the emulated Globus Compute")
struct GlobusSubmitTests {
    typealias Harness = GlobusHarness

    static let source = GlobusComputeTests.source
    static let path = "/v3/endpoints/\(Harness.endpoint)/submit"

    static func submission(_ function: String, _ more: [(String, JSONValue)] = [], count: Int = 1) -> JSONValue {
        let payloads = Array(repeating: Harness.arguments("[1]"), count: count)
        let tasks = JSONMember(name: "tasks", value: .object([JSONMember(name: function, value: .array(payloads))]))
        return .object([tasks] + more.map { JSONMember(name: $0.0, value: $0.1) })
    }

    @Test("a result is told once, to its owner alone; a group lists its tasks")
    func once() async throws {
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            let foreign = try await harness.computeToken(as: Harness.asGateway)
            let function = try await harness.register(source: Self.source, token)
            let answer = try await harness.post(
                Self.path, Self.submission(function, [("result_serializers", Harness.json)], count: 3), token
            ).json
            let ids = (answer["tasks"]?[function]?.items ?? []).compactMap(\.text)
            #expect(Set(ids).count == 3 && answer["request_id"]?.text != nil)
            let group = try #require(answer["task_group_id"]?.text)
            #expect(try await harness.get("/v2/taskgroup/\(group)", foreign).status == 403)
            #expect(try await harness.get("/v2/tasks/\(ids[0])", foreign).status == 404)
            let none = try await harness.post("/v2/batch_status", ["task_ids": [.string(ids[0])]], foreign)
            #expect(none.text == "{\"response\": \"batch\", \"results\": {}}")
            let again = try await harness.post(
                Self.path, Self.submission(function, [("task_group_id", .string(group))]), token
            ).json
            #expect(again["task_group_id"] == .string(group))
            let listed = try await harness.get("/v2/taskgroup/\(group)", token).json
            #expect(listed["tasks"]?.items?.count == 4)
            for id in ids { #expect(try await harness.outcome(id, token)["result"] == "11\n{\"a\": 1}") }
            #expect(try await harness.get("/v2/tasks/\(ids[0])", token).status == 404)
        }
    }

    @Test("a result that nobody fetches is dropped")
    func dropped() async throws {
        try await Harness.run({ $0.resultSeconds = 0 }) { harness in
            let token = try await harness.computeToken()
            let function = try await harness.register(source: Self.source, token)
            let task = try await harness.submit(function, "[1]", token)
            // It is pending until it is gone.
            var status = 200
            while status == 200 {
                let answer = try await harness.get("/v2/tasks/\(task)", token)
                status = answer.status
                if status == 200 { #expect(try answer.json["result"] == nil) }
            }
            #expect(status == 404)
        }
    }

    @Test("results come when the agent's publisher wakes")
    func publisher() async throws {
        try await Harness.run({ $0.pollLatencySeconds = 0.5 }) { harness in
            let token = try await harness.computeToken()
            let function = try await harness.register(source: Self.source, token)
            _ = try await harness.outcome(try await harness.submit(function, "[1]", token), token)
            let told = try await harness.send("GET", "/emulation/log").json
            let log = try #require(told.items)
            // The answer that told the result is the last; it came after a multiple of 0.5 s, which the one before had not reached.
            let polls = log.filter { $0["route"] == "batch_status" }.compactMap { $0["time"]?.double }
            let last = try #require(polls.last)
            let wake = (last / 0.5).rounded(.down) * 0.5
            #expect(polls.dropLast().allSatisfy { $0 < wake + 0.001 })
        }
    }

    @Test(
        "submissions that are refused",
        arguments: [
            ("{", 400, "REQUEST_MALFORMED"), ("{}", 422, "SEMANTICALLY_INVALID"),
            ("{\"tasks\": {\"x\": [\"\"]}}", 404, "FUNCTION_NOT_FOUND"),
            ("{\"tasks\": {\"x\": [1]}}", 422, "SEMANTICALLY_INVALID"),
        ])
    func refused(_ body: String, _ status: Int, _ code: String) async throws {
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            let answer = try await harness.send("POST", Self.path, authorization: "Bearer \(token)", body: Array(body.utf8))
            #expect(answer.status == status)
            #expect(try answer.json["code"] == .string(code))
        }
    }

    @Test("functions that the site does not allow, and others' own")
    func notPermitted() async throws {
        try await Harness.run({ $0.endpoints[0].allowedFunctions = ["f0000000-0000-4000-8000-000000000000"] }) { harness in
            let token = try await harness.computeToken()
            let function = try await harness.register(source: Self.source, token)
            let answer = try await harness.post(Self.path, Self.submission(function), token)
            #expect(answer.status == 403)
            #expect(try answer.json["code"] == "FUNCTION_NOT_PERMITTED")
            let foreign = try await harness.computeToken(as: Harness.asGateway)
            let other = try await harness.post(Self.path, Self.submission(function), foreign)
            #expect(try other.json["code"] == "FUNCTION_ACCESS_FORBIDDEN")
            let told = try await harness.get("/v3/endpoints/\(Harness.endpoint)/allowed_functions", token).json
            #expect(told["restricted"] == true && told["functions"] == ["f0000000-0000-4000-8000-000000000000"])
        }
    }

    @Test("a submission over its limit, at its limit")
    func tooLarge() async throws {
        try await Harness.run({ $0.submitBytes = 1000 }) { harness in
            let token = try await harness.computeToken()
            let function = try await harness.register(source: Self.source, token)
            let text = Self.submission(function).json
            for (length, status) in [(1000, 200), (1001, 413)] {
                let body = text + String(repeating: " ", count: length - text.utf8.count)
                let answer = try await harness.send(
                    "POST", Self.path, authorization: "Bearer \(token)", body: Array(body.utf8))
                #expect(answer.status == status)
                if status == 413 { #expect(try answer.json["code"] == "TASK_PAYLOAD_TOO_LARGE") }
            }
        }
    }

    @Test("configurations: checked by the site's schema, each a process of its own")
    func configurations() async throws {
        try await Harness.run({
            $0.endpoints[0].isMultiUser = true
            $0.endpoints[0].schema = [
                "properties": ["queue": ["type": "string", "enum": ["a", "b"]]], "additionalProperties": false,
            ]
        }) { harness in
            let token = try await harness.computeToken()
            let function = try await harness.register(source: Self.source, token)
            let cases: [(JSONValue, Int)] = [
                (["queue": "a"], 200), (["queue": "b"], 200), (["queue": "a"], 200), (["queue": "c"], 422),
                (["queue": 1], 422),
                (["other": 1], 422), (["_GC": 1], 422), ([], 422),
            ]
            for (configuration, status) in cases {
                let body = Self.submission(function, [("user_endpoint_config", configuration)])
                #expect(try await harness.post(Self.path, body, token).status == status, "\(configuration)")
            }
            let processes = try await harness.state()["endpoints"]?.items?.first?["userEndpoints"]
            #expect(processes == [["queue": "a"], ["queue": "b"]])
        }
    }

    @Test("the rate limit: so many requests, then 429 with the time to wait")
    func rateLimit() async throws {
        try await Harness.run({ $0.rateRequests = 5 }) { harness in
            let token = try await harness.computeToken()
            let foreign = try await harness.computeToken(as: Harness.asGateway)
            for _ in 0..<5 { #expect(try await harness.get("/v2/version", token).status == 200) }
            let answer = try await harness.get("/v2/version", token)
            #expect(answer.status == 429)
            #expect(try answer.json["code"] == "TOO_MANY_REQUESTS")
            let wait = try #require(answer.retryAfter.flatMap { Int($0) })
            #expect((1...10).contains(wait))
            #expect(try await harness.get("/v2/version", foreign).status == 200, "each client has its own")
            let told = try await harness.state()["clients"]?[Harness.node]
            #expect(told?["maximumIn10Seconds"] == 6 && told?["throttled"] == 1)
        }
    }

    @Test("a window of requests slides")
    func window() {
        var window = RateWindow()
        let waits = [0.0, 1, 2, 10, 10.5, 11].map { window.note(at: $0, allowed: 2, in: 10) }
        #expect(waits == [nil, nil, 8, nil, 0.5, nil])
        #expect(window.mostSeen == 4 && window.refused == 2 && window.total == 6)
    }
}
