import Testing
import Transport

@testable import Globus

/// Endpoint status, descriptions and registrations over loopback.
struct QuestionTests {
    private let endpoint = ComputeService.endpointID

    @Test func aStatusIsAskedForOnceAMinute() async throws {
        let stub = try await StubCompute { _, _ in .ok(#"{"status": "online", "details": {"heartbeat_period": 5.0}}"#) }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let status = try? await service.status(of: ComputeService.endpointID)
                    #expect(status?.isOnline == true)
                    #expect(status?.managers == nil)
                }
            }
        }
        #expect(stub.requests.count == 1)
        #expect(stub.requests[0].path == "/v2/endpoints/\(endpoint)/status")
    }

    @Test func aStatusThatFailedIsKeptForAMomentOnly() async throws {
        let stub = try await StubCompute { index, _ in
            index == 0 ? .json(503, "busy") : .ok(#"{"status": "offline", "details": {}}"#)
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub) { $0.statusFailureSeconds = 0 }
        await #expect(throws: ComputeFailure.self) { try await service.status(of: endpoint) }
        #expect(try await service.status(of: endpoint).isOnline == false)
        let patient = ComputeService.test(stub) { $0.statusSeconds = 0 }
        _ = try await patient.status(of: endpoint)
        _ = try await patient.status(of: endpoint)
        #expect(stub.requests.count == 4)
    }

    @Test func aFunctionIsRegistered() async throws {
        let stub = try await StubCompute { index, _ in
            index == 0 ? .json(401, "{}") : .ok(#"{"function_uuid": "F5DB6F81-f47b-4c6f-a3c7-f27e989d74a4"}"#)
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        let function = FunctionRegistration(name: "f", source: "def f(x):\n    return x\n")
        #expect(try await service.register(function) == ComputeService.functionID)
        #expect(stub.requests.map(\.authorization) == ["Bearer token-1", "Bearer token-2"])
        #expect(stub.requests[1].body == function.json)
        #expect(stub.requests[1].path == "/v3/functions")
    }

    @Test func allowedFunctionsAndDescriptions() async throws {
        let stub = try await StubCompute { _, request in
            request.path.hasSuffix("/allowed_functions")
                ? .ok(#"{"endpoint_id": "x", "restricted": true, "functions": ["ABC-1"]}"#)
                : .ok(#"{"uuid": "x", "name": "polaris", "display_name": null, "multi_user": true}"#)
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        let allowed = try await service.allowedFunctions(of: endpoint)
        #expect(allowed.restricted && allowed.functions == ["abc-1"])
        let description = try await service.endpoint(endpoint)
        #expect(description.name == "polaris" && description.isMultiUser == true && description.displayName == nil)
    }

    struct Status: Sendable {
        var body: String
        var isOnline: Bool?
        var managers: Int?
        var heartbeat: Double?
    }

    @Test(arguments: [
        Status(
            body: #"{"status":"online","details":{"managers":"3","heartbeat_period":"30"}}"#, isOnline: true, managers: 3,
            heartbeat: 30),
        Status(body: #"{"status":"ONLINE"}"#, isOnline: true),
        Status(body: #"{"status":"online","details":{"managers":0}}"#, isOnline: true, managers: 0),
        Status(body: #"{"status":"online","details":{"heartbeat_period":0}}"#, isOnline: false, heartbeat: 0),
        Status(body: #"{"status":"online","details":{"active":false}}"#, isOnline: false),
        Status(body: #"{"status":"online","details":null}"#, isOnline: true),
        Status(body: #"{"status":"offline","details":{}}"#, isOnline: false),
        Status(
            body: #"{"status":"online","details":{"managers":9223372036854775807,"pending_tasks":-1}}"#, isOnline: true,
            managers: nil),
        Status(body: #"{"details":{}}"#), Status(body: "<html>"), Status(body: "[]"),
    ])
    func aStatusIsReadLeniently(_ status: Status) {
        let read = EndpointStatus(Array(status.body.utf8))
        #expect(read?.isOnline == status.isOnline)
        #expect(read?.managers == status.managers)
        #expect(read?.heartbeatSeconds == status.heartbeat)
    }
}

/// What the service's bodies say.
struct ReplyTests {
    @Test(arguments: [
        (#"{"code":"FUNCTION_NOT_FOUND","message":"no"}"#, "FUNCTION_NOT_FOUND", "no"),
        (#"{"status":"Failed","code":7,"error_args":[],"reason":"gone","http_status_code":404}"#, "7", "gone"),
        (#"{"error":"invalid_grant","error_description":"dead"}"#, "invalid_grant", "dead"),
        (#"{"errors":[{"code":"X","detail":"d","title":"t"}]}"#, "X", "d"),
        (#"{"errors":[{"title":"t"}]}"#, "", "t"),
        ("<html>502</html>", "", "<html>502</html>"), ("", "", ""), ("[1]", "", "[1]"),
    ])
    func errorsHaveManyShapes(_ body: String, _ code: String, _ message: String) {
        let failure = CallFailure(WebAnswer(status: 404, fields: [], body: Array(body.utf8)))
        #expect(failure.kind == .status(404))
        #expect(failure.code == code)
        #expect(failure.message == message)
    }

    @Test(
        arguments: [("5", 5), ("0.5", 0.5), ("-1", nil), ("nan", nil), ("Tue, 24 Nov 2026 18:00:00 GMT", nil)]
            as [(String, Double?)])
    func retryAfterIsSeconds(_ text: String, _ seconds: Double?) {
        let failure = CallFailure(WebAnswer(status: 429, fields: [("retry-after", text)], body: []))
        #expect(failure.retryAfterSeconds == seconds)
    }

    @Test func longErrorsAreShortened() {
        let text = String(repeating: "x", count: 100_000) + "\n"
        let failure = CallFailure(WebAnswer(status: 500, fields: [], body: Array(text.utf8)))
        #expect(failure.message.unicodeScalars.count == 501)
    }

    private func report(_ task: String) -> TaskReport? {
        TaskReport.reports(Array(#"{"response":"batch","results":{"t1":\#(task)}}"#.utf8), settings: ComputeSettings())?
            .first
    }

    @Test(arguments: ["received", "waiting-for-ep", "running", "execution-end", "result-enqueued", "unknown", "cancelled"])
    func everyOtherStatusIsPending(_ status: String) {
        #expect(report(#"{"status":"\#(status)","result":"11\nnull"}"#)?.state == .pending)
    }

    @Test func doneTasks() {
        #expect(report(#"{"status":"SUCCESS","result":"11\nnull"}"#)?.state == .succeeded("11\nnull"))
        #expect(report(#"{"status":"success"}"#)?.state == .unreadable("the task has ended without a result"))
        #expect(report(#"{"status":"failed","reason":"old"}"#)?.state == .failed("old", isWorkerLost: false))
        #expect(
            report(#"{"status":"failed"}"#)?.state == .failed("the task has failed without a reason", isWorkerLost: false))
        #expect(report("null")?.state == .pending)
        let lost = "parsl.executors.high_throughput.errors.WorkerLost: Task failure due to loss of worker 0 on host x"
        #expect(
            report(#"{"status":"failed","exception":"Traceback (most recent call last):\n\#(lost)\n"}"#)?.state
                == .failed("Traceback (most recent call last):\n\(lost)\n", isWorkerLost: true))
    }

    @Test(arguments: ["", "[]", "{}", #"{"results":[]}"#, #"{"results":null}"#, "{\"results\":"])
    func whatIsNoPollsAnswer(_ body: String) {
        #expect(TaskReport.reports(Array(body.utf8), settings: ComputeSettings()) == nil)
    }

    @Test(arguments: ["", "{}", #"{"tasks":[]}"#, #"{"tasks":{"f":"t"}}"#])
    func whatIsNoSubmitsAnswer(_ body: String) { #expect(SubmitReply(Array(body.utf8)) == nil) }

    /// The body of golden/submit.json, `json_args_two_tasks`, in our order of preference.
    @Test func aBatchIsWrittenAsTheSDKWritesIt() throws {
        var batch = SubmitBatch(
            queue: QueueKey(endpoint: "e", endpointConfig: #"{"engine": "gce"}"#),
            functions: [
                .init(
                    function: "6d0ba55f-de15-4af2-827d-05c50c338aa7",
                    arguments: ["31\n11\n[{\"model_params\": {\"a\": 1}}]5\n11\n{}"])
            ])
        #expect(
            try batch.body()
                == #"{"create_queue": false, "tasks": {"6d0ba55f-de15-4af2-827d-05c50c338aa7": ["31\n11\n[{\"model_params\": {\"a\": 1}}]5\n11\n{}"]}, "user_endpoint_config": {"engine": "gce"}, "result_serializers": ["globus_compute_sdk.serialize.JSONData", "globus_compute_sdk.serialize.DillDataBase64"]}"#
        )
        batch.queue.userRuntime = "[]"
        #expect(throws: CallFailure.self) { try batch.body() }
    }

    /// The size that the machine reckons with is never less than the body's.
    @Test(arguments: ["plain", "é😀\u{1}\"\\\n", String(repeating: "\u{7f}\t/", count: 300)])
    func theReckonedSizeIsEnough(_ text: String) throws {
        let order = ComputeOrder(
            endpoint: "e", function: "f", arguments: text, endpointConfig: #"{"é": "é"}"#, deadlineSeconds: 1)
        let batch = SubmitBatch(
            queue: QueueKey(endpoint: "e", endpointConfig: order.endpointConfig),
            functions: [.init(function: "f", arguments: [text])])
        #expect(try batch.body().utf8.count <= ComputeMachine.sentBytes(text) + ComputeMachine.bodyBytes(order))
    }
}
