import Testing
import Transport

@testable import Emulation

@Suite("Faults on demand, log and state of the emulation of Globus")
struct GlobusFaultTests {
    typealias Harness = GlobusHarness

    @Test("a status, so many times, for the route and client named")
    func status() async throws {
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            let foreign = try await harness.computeToken(as: Harness.asGateway)
            try await harness.fault([
                "match": ["route": "version", "client": .string(Harness.node)], "times": 2, "status": 503, "retryAfter": 7,
                "body": ["code": "X"],
            ])
            #expect(try await harness.get("/v2/version", foreign).status == 200)
            #expect(try await harness.get("/v2/endpoints/x", token).status == 404)
            for _ in 0..<2 {
                let answer = try await harness.get("/v2/version", token)
                #expect(answer.status == 503 && answer.retryAfter == "7" && answer.text == "{\"code\": \"X\"}")
            }
            #expect(try await harness.get("/v2/version", token).status == 200)
        }
    }

    @Test("connections cut before and after the request is handled", arguments: [("closeBefore", 0), ("closeAfter", 1)])
    func cut(_ word: String, _ submitted: Int) async throws {
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            let function = try await harness.register(source: GlobusComputeTests.source, token)
            try await harness.fault(
                .object([
                    JSONMember(name: "match", value: ["route": "submit", "endpoint": .string(Harness.endpoint)]),
                    JSONMember(name: word, value: true),
                ]))
            await #expect(throws: TransportError.self) { try await harness.submit(function, "[1]", token) }
            #expect(try await harness.state()["endpoints"]?.items?.first?["total"]?.integer == submitted)
            _ = try await harness.submit(function, "[1]", token)
            let log = try await harness.send("GET", "/emulation/log").json.items?.filter { $0["route"] == "submit" }
            #expect(log?.map { $0["status"] } == [0, 200] && log?.map { $0["fault"] } == [true, false])
        }
    }

    @Test("a lost task is accepted and never runs; a lost worker fails its task")
    func lost() async throws {
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            let function = try await harness.register(source: "import time\ndef f(s):\n    time.sleep(s)\n", token)
            try await harness.fault([
                ["lostTask": true], ["workerLost": true, "match": ["endpoint": .string(Harness.endpoint)]],
            ])
            let lost = try await harness.submit(function, "[0]", token)
            let killed = try await harness.submit(function, "[100000]", token)
            let kept = try await harness.submit(function, "[0]", token)
            #expect(try await harness.outcome(kept, token)["status"] == "success")
            let failure = try await harness.outcome(killed, token)
            #expect(failure["exception"]?.text?.hasPrefix(String(repeating: "+", count: 68)) == true)
            #expect(failure["details"] == nil)
            #expect(try await harness.get("/v2/tasks/\(lost)", token).json["status"] == "waiting-for-nodes")
            #expect(try await harness.state()["tasks"]?["lost"] == 1)
        }
    }

    @Test("services that are down do not answer; clearing brings them back", arguments: ["auth", "groups", "compute"])
    func down(_ service: String) async throws {
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            try await harness.fault(["down": [.string(service)]])
            let calls: [(String, () async throws -> Void)] = [
                ("auth", { _ = try await harness.introspect("Ag-alice") }),
                ("groups", { _ = try await harness.get("/v2/groups/my_groups", "x") }),
                ("compute", { _ = try await harness.get("/v2/version", token) }),
            ]
            for (name, call) in calls {
                if name == service {
                    await #expect(throws: TransportError.self) { try await call() }
                } else {
                    try await call()
                }
            }
            _ = try await harness.send("DELETE", "/emulation/faults")
            for (_, call) in calls { try await call() }
        }
    }

    @Test("a delay")
    func delay() async throws {
        try await Harness.run { harness in
            try await harness.fault(["match": ["route": "introspect"], "delaySeconds": JSONValue(0.2)])
            let before = try await harness.time()
            #expect(try await harness.introspect("Ag-alice")["active"] == true)
            let after = try await harness.time()
            #expect(after - before >= 0.2)
        }
    }

    @Test("the log tells who asked what, and no secrets")
    func log() async throws {
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            let function = try await harness.register(source: GlobusComputeTests.source, token)
            _ = try await harness.submit(function, "[1]", token)
            _ = try await harness.introspect("Ag-alice")
            let answer = try await harness.send("GET", "/emulation/log")
            for secret in [token, "Ag-alice", "node-secret", Harness.asNode] { #expect(!answer.text.contains(secret)) }
            let items = try #require(try answer.json.items)
            #expect(items.map { $0["route"] } == ["token", "register", "submit", "introspect"])
            #expect(items[2]["client"] == .string(Harness.node) && items[2]["tasks"] == 1)
            #expect(items[2]["token"]?.text?.count == 8 && items[3]["client"] == .string(Harness.gateway))
            let since = try #require(items[1]["time"]?.double)
            let later = try await harness.send("GET", "/emulation/log?since=\(since + 0.0005)").json.items
            #expect(later?.count == 2 || later?.count == 3)
        }
    }

    @Test(
        "faults that cannot be made",
        arguments: [
            "{\"status\": 9}", "{\"unknown\": 1}", "{\"match\": {\"route\": \"none\"}}", "{\"down\": [\"all\"]}", "{",
            "{\"endpoint\": \"none\", \"state\": \"offline\"}", "{\"times\": 0}", "[1]",
        ])
    func badFaults(_ text: String) async throws {
        try await Harness.run { harness in
            let answer = try await harness.send("POST", "/emulation/faults", body: Array(text.utf8))
            #expect(answer.status == 400 && answer.server == "meshnode-globus-emulation")
            #expect(try await harness.state()["faults"] == 0)
        }
    }
}
