import Synchronization
import Testing
import Transport

@testable import Globus

/// The service against a stub on loopback: real HTTP, real time.
struct ServiceTests {
    /// Byte for byte what the SDK sends (golden/http_wire.json), but for the result serializers that we prefer.
    @Test func aTaskIsSubmittedPolledAndDone() async throws {
        let stub = try await StubCompute { index, request in
            request.path.hasSuffix("/submit")
                ? submitAnswer(index == 0 ? "dc75b8aa-77a6-4ce3-afdd-25ccbdefd846" : "t2")
                : pollAnswer(success("dc75b8aa-77a6-4ce3-afdd-25ccbdefd846"), success("t2"))
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        let task = try service.order()
        #expect(await task.outcome() == .result("11\n{\"x\": 1}", ComputeDetails()))
        #expect(task.taskID == "dc75b8aa-77a6-4ce3-afdd-25ccbdefd846")
        #expect(task.resubmissions == 0)
        #expect(task.waitedForSubmission != nil)
        let submit = try #require(stub.requests.first)
        #expect(submit.path == "/v3/endpoints/0d6ede5e-c2dc-4d8d-a371-e897c1e5d419/submit")
        #expect(submit.authorization == "Bearer token-1")
        #expect(
            submit.body
                == #"{"create_queue": false, "tasks": {"f5db6f81-f47b-4c6f-a3c7-f27e989d74a4": ["6\n11\n[1]5\n11\n{}"]}, "result_serializers": ["globus_compute_sdk.serialize.JSONData", "globus_compute_sdk.serialize.DillDataBase64"]}"#
        )
        let poll = try #require(stub.requests("/batch_status").first)
        #expect(poll.body == #"{"task_ids": ["dc75b8aa-77a6-4ce3-afdd-25ccbdefd846"]}"#)
        // The group that the service made is used again.
        _ = try await service.order().outcome()
        #expect(
            stub.requests("/submit")[1].body.contains(#""task_group_id": "f38f3d35-6cfa-44fe-88fa-71cc5bc639bf""#))
        #expect(service.isEmpty)
    }

    @Test func fiftyAtOnceAreOneSubmitOverTheWire() async throws {
        let ids = (0..<50).map { "t\($0)" }
        let stub = try await StubCompute { _, request in
            guard request.path.hasSuffix("/submit") else {
                return .ok(#"{"results": {\#(ids.map { success($0) }.joined(separator: ","))}}"#)
            }
            let list = ids.map { "\"\($0)\"" }.joined(separator: ", ")
            return .ok(#"{"tasks": {"\#(ComputeService.functionID.uppercased())": [\#(list)]}}"#)
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        let tasks = try (0..<50).map { _ in try service.order() }
        for task in tasks { #expect(await task.outcome() == .result("11\n{\"x\": 1}", ComputeDetails())) }
        #expect(stub.requests("/submit").count == 1)
        #expect(service.figures.counters.results == 50)
        #expect(service.figures.endpoints[ComputeService.endpointID]?.medianWaitSeconds != nil)
    }

    @Test func aSubmitWhoseConnectionBreaksIsRepeatedOnce() async throws {
        let stub = try await StubCompute { index, request in
            guard request.path.hasSuffix("/submit") else { return pollAnswer(success("t1")) }
            return index == 0 ? .broken : submitAnswer("t1")
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        let task = try service.order()
        #expect(await task.outcome() == .result("11\n{\"x\": 1}", ComputeDetails()))
        #expect(task.resubmissions == 1)
        #expect(stub.requests("/submit").count == 2)
    }

    @Test func retryAfterIsHonoured() async throws {
        let stub = try await StubCompute { index, request in
            guard request.path.hasSuffix("/submit") else { return pollAnswer(success("t1")) }
            return index == 0
                ? .json(429, #"{"code": "TOO_MANY_REQUESTS", "reason": "slow"}"#, retryAfter: "1") : submitAnswer("t1")
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        let begun = ContinuousClock.now
        let task = try service.order()
        #expect(await task.outcome() == .result("11\n{\"x\": 1}", ComputeDetails()))
        #expect(ContinuousClock.now - begun >= .seconds(1))
        #expect(service.figures.counters.throttled == 1)
    }

    @Test func aTokenThatIsRefusedIsRenewed() async throws {
        let stub = try await StubCompute { _, request in
            guard request.authorization == "Bearer token-2" else { return .json(401, #"{"code": "INVALID_AUTH_TOKEN"}"#) }
            return request.path.hasSuffix("/submit") ? submitAnswer("t1") : pollAnswer(success("t1"))
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        #expect(try await service.order().outcome() == .result("11\n{\"x\": 1}", ComputeDetails()))
        #expect(stub.requests("/submit").map(\.authorization) == ["Bearer token-1", "Bearer token-2"])
    }

    @Test func aReplyWithWrongCountsIsRefused() async throws {
        let stub = try await StubCompute { _, _ in submitAnswer("t1", "t2") }
        defer { stub.stop() }
        let logs = Logs()
        let service = ComputeService.test(stub, logs: logs)
        guard case .refused(let failure) = try await service.order().outcome() else {
            Issue.record("not refused")
            return
        }
        #expect(failure.code == .protocolViolation)
        #expect(logs.all.contains { $0.contains("2 ids for 1 tasks") })
        #expect(service.isEmpty)
    }

    @Test func aResultOfElevenMegabytesIsTooLarge() async throws {
        let large = String(repeating: "a", count: 11 << 20)
        let stub = try await StubCompute { _, request in
            request.path.hasSuffix("/submit") ? submitAnswer("t1") : pollAnswer(success("t1", large))
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        guard case .failed(let text, _) = try await service.order().outcome() else {
            Issue.record("not failed")
            return
        }
        let failure = RemoteFailure(exceptionText: text)
        #expect(failure.kind == .resultTooLarge)
        #expect(failure.resultCharacters == 11 << 20)
        #expect(service.isEmpty)
    }

    @Test func anAnswerBeyondTheLimitIsNotRead() async throws {
        let large = String(repeating: "a", count: 300_000)
        let stub = try await StubCompute { _, request in
            request.path.hasSuffix("/submit") ? submitAnswer("t1") : pollAnswer(success("t1", large))
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub) { $0.pollAnswerBytes = 100_000 }
        guard case .failed(let text, _) = try await service.order().outcome() else {
            Issue.record("not failed")
            return
        }
        #expect(RemoteFailure(exceptionText: text).kind == .resultTooLarge)
    }

    @Test func aPollThatOmitsIDsIsRepeated() async throws {
        let stub = try await StubCompute { index, request in
            guard !request.path.hasSuffix("/submit") else { return submitAnswer("t1") }
            return index < 3 ? pollAnswer() : pollAnswer(success("t1"))
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        #expect(try await service.order().outcome() == .result("11\n{\"x\": 1}", ComputeDetails()))
        #expect(stub.requests("/batch_status").count == 4)
    }

    @Test func aTaskThatNeverEndsMeetsItsDeadline() async throws {
        let stub = try await StubCompute { _, request in
            request.path.hasSuffix("/submit")
                ? submitAnswer("t1") : pollAnswer(#""t1": {"task_id": "t1", "status": "waiting-for-nodes"}"#)
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        #expect(try await service.order(deadlineSeconds: 0.4).outcome() == .deadline)
        #expect(service.isEmpty)
    }

    @Test func aFunctionThatRaisedIsToldWithItsTraceback() async throws {
        let stub = try await StubCompute { _, request in
            request.path.hasSuffix("/submit")
                ? submitAnswer("t1")
                : pollAnswer(
                    #""t1": {"task_id": "t1", "status": "FAILED", "exception": "Traceback:\nException: API request failed with status code: 404\nResponse text: {}\n", "details": {"task_transitions": {"execution-start": 1.5, "execution-end": 2.0}}}"#
                )
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        guard case .failed(let text, let details) = try await service.order().outcome() else {
            Issue.record("not failed")
            return
        }
        #expect(RemoteFailure(exceptionText: text).upstreamStatus == 404)
        #expect(details.executionSeconds == 0.5)
    }

    @Test func whatIsSettledIsReleasedAtOnce() async throws {
        let stub = try await StubCompute { _, request in
            request.path.hasSuffix("/submit") ? submitAnswer("t1") : pollAnswer()
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        let task = try service.order()
        task.started()
        task.settled()
        #expect(await task.outcome() == .released)
    }

    @Test func stoppingRefusesWhatIsLeft() async throws {
        let stub = try await StubCompute { _, request in
            request.path.hasSuffix("/submit") ? submitAnswer("t1") : pollAnswer()
        }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        let task = try service.order()
        service.stop()
        #expect(await task.outcome() == .refused(.stopped))
        #expect(throws: ComputeFailure.stopped) { try service.order() }
        await #expect(throws: ComputeFailure.stopped) { try await service.endpoint(ComputeService.endpointID) }
        #expect(service.isEmpty)
    }

    @Test(arguments: ["", "../x", "a b", "0d6ede5e/status", String(repeating: "a", count: 65)])
    func whatIsNoIDGetsIntoNoPath(_ id: String) async throws {
        let stub = try await StubCompute { _, _ in .ok("{}") }
        defer { stub.stop() }
        let service = ComputeService.test(stub)
        #expect(throws: ComputeFailure.self) {
            try service.submit(
                ComputeOrder(endpoint: id, function: ComputeService.functionID, arguments: "", deadlineSeconds: 1))
        }
        await #expect(throws: ComputeFailure.self) { try await service.status(of: id) }
        #expect(stub.requests.isEmpty)
    }
}
