import Testing
import Transport

@testable import Emulation

@Suite("Configuration of the emulation of Globus")
struct GlobusSettingsTests {
    @Test("everything that can be said")
    func whole() throws {
        let text = """
            {"endpoints": [{"id": "e", "name": "n", "multiUser": true, "workers": 7, "state": "offline", "managers": null,
              "startSeconds": 2.5, "python": "/usr/bin/python3", "allowedFunctions": ["f"], "environment": {"A": "b"},
              "agent": "3.3.0", "schema": {"type": "object"}}],
             "functions": [{"id": "f", "name": "g", "source": "def g(): pass"}],
             "rateLimit": {"requests": 3, "seconds": 4}, "tokenSeconds": 5, "pollLatencySeconds": 0.25, "resultSeconds": 6,
             "submitBytes": 7, "resultCharacters": 8}
            """
        let settings = try GlobusEmulationSettings(configuration: Array(text.utf8), path: "c")
        let endpoint = try #require(settings.endpoints.first)
        #expect(endpoint.isMultiUser && endpoint.workers == 7 && !endpoint.isOnline && endpoint.managers == nil)
        #expect(endpoint.startSeconds == 2.5 && endpoint.python == "/usr/bin/python3" && endpoint.agent == [3, 3, 0])
        #expect(endpoint.allowedFunctions == ["f"] && endpoint.environment == ["A": "b"])
        #expect(settings.functions.first?.name == "g" && settings.rateRequests == 3 && settings.rateSeconds == 4)
        #expect(settings.tokenSeconds == 5 && settings.pollLatencySeconds == 0.25 && settings.resultSeconds == 6)
        #expect(settings.submitBytes == 7 && settings.resultCharacters == 8)
    }

    @Test(
        "what cannot be used is named, with its line",
        arguments: [
            ("{\n\"client\": []}", "c:2: client: unknown; allowed: clients, endpoints"),
            ("{\"endpoints\": [\n{\"id\": \"e\",\n\"worker\": 1}]}", "c:3: endpoints[0].worker: unknown"),
            ("{\"endpoints\": [{}]}", "c:1: endpoints[0].id: is missing"),
            ("{\"endpoints\": [{\"id\": \"e\", \"workers\": 0}]}", "endpoints[0].workers: allowed: an integer from 1"),
            ("{\"endpoints\": [{\"id\": \"e\", \"state\": \"up\"}]}", "endpoints[0].state: found \"up\"; allowed: online"),
            ("{\"endpoints\": [{\"id\": \"e\", \"agent\": \"4\"}]}", "endpoints[0].agent"),
            ("{\"clients\": [{\"id\": \"c\", \"kind\": \"native\", \"secret\": \"s\"}]}", "clients[0].kind"),
            ("{\"users\": 1}", "users: found a number; allowed: a list"), ("[]", "allowed: an object"),
            ("{\"tokenSeconds\": -1}", "tokenSeconds: allowed"), ("{\n\n", "c:3: "), ("{\"a\": 1, \"a\": 2}", "twice"),
            ("{\"rateLimit\": {\"request\": 1}}", "rateLimit.request: unknown"),
        ])
    func refused(_ text: String, _ message: String) {
        do {
            _ = try GlobusEmulationSettings(configuration: Array(text.utf8), path: "c")
            Issue.record("accepted")
        } catch {
            #expect(error.message.contains(message), "\(error.message)")
        }
    }

    @Test("a seed decides ids and tokens")
    func seeds() {
        let (a, b, c) = (MadeUpNames(seed: 1), MadeUpNames(seed: 1), MadeUpNames(seed: 2))
        let (first, second, third) = (a.uuid(), b.uuid(), c.uuid())
        #expect(first == second && first != third && a.uuid() != first)
        #expect(first.utf8.count == 36 && Array(first)[14] == "4" && a.token().hasPrefix("Ag"))
    }

    @Test(
        "JSON comes back as Python would write it",
        arguments: [
            ("{\"a\":[1,2.50,-3e2,true,false,null]}", "{\"a\": [1, 2.50, -3e2, true, false, null]}"),
            ("\"\u{e9}\u{1F600}\\u00e9\\ud83d\\ude00\"", "\"\\u00e9\\ud83d\\ude00\\u00e9\\ud83d\\ude00\""),
            ("\"\\ud83d\"", "\"\\ufffd\""), ("\"\\ud83d\\u0041\"", "\"\\ufffdA\""),
            ("\"\\n\\t\\r\\b\\f\\\"\\\\\\/\"", "\"\\n\\t\\r\\u0008\\u000c\\\"\\\\/\""), (" {} ", "{}"), ("[]", "[]"),
        ])
    func json(_ text: String, _ written: String) throws {
        #expect(try JSONReader.read(Array(text.utf8)).json == written)
    }

    @Test(
        "texts that are no JSON",
        arguments: ["", "{", "[1,]", "{\"a\"}", "\"a", "tru", "1 2", "-", "\"\\x\"", "\"\\u12\"", "[1 2]", "\"\u{1}\""])
    func badJSON(_ text: String) {
        #expect(throws: JSONError.self) { try JSONReader.read(Array(text.utf8)) }
    }

    @Test("nesting has a limit")
    func nesting() {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(throws: Never.self) { try JSONReader.read(nested(JSONReader.depthLimit)) }
        #expect(throws: JSONError.self) { try JSONReader.read(nested(JSONReader.depthLimit + 1)) }
    }
}
