import Testing

@testable import Globus

/// What is taken, what goes together, and what ends before it is submitted.
struct OrderTests {
    @Test func tasksOfSeveralFunctionsShareASubmitAndAreToldApart() {
        var service = VirtualService()
        service.report = { id, _ in .succeeded("11\n\"\(id)\"") }
        for function in ["f1", "f2", "f1"] { service.at(0, .order(.test(function: function))) }
        service.run(seconds: 20)
        #expect(service.submits.count == 1)
        #expect(service.submits[0].batch.functions.map(\.function) == ["f1", "f2"])
        #expect(service.submits[0].batch.functions.map(\.arguments.count) == [2, 1])
        // Ids are given by function: t1 and t2 to f1, t3 to f2.
        let ids = [1, 2, 3].map { service.accepted[UInt64($0)]?.first?.id }
        #expect(ids == ["t1", "t3", "t2"])
        #expect(service.outcomes[2] == [.result("11\n\"t3\"", ComputeDetails())])
    }

    @Test func whatDiffersInConfigurationDoesNotShare() {
        var service = VirtualService()
        service.at(0, .order(.test(config: "{\"a\":1}")))
        service.at(0, .order(.test(config: "{\"a\":2}")))
        service.at(0, .order(.test(endpoint: "e2")))
        service.run(seconds: 20)
        #expect(service.submits.count == 3)
        #expect(service.outcomes.count == 3)
    }

    @Test func theTaskGroupIsUsedAgain() {
        var service = VirtualService()
        service.at(0, .order(.test()))
        service.at(5, .order(.test()))
        service.run(seconds: 20)
        #expect(service.submits.map(\.batch.taskGroup) == [nil, "group"])
    }

    @Test func aSubmitHoldsOnlySoManyTasks() {
        var service = VirtualService()
        for _ in 0..<300 { service.at(0, .order(.test())) }
        service.run(seconds: 30)
        #expect(service.submits.map { $0.batch.functions[0].arguments.count } == [128, 128, 44])
        #expect(service.outcomes.count == 300)
    }

    @Test func aSubmitHoldsOnlySoManyBytes() {
        var settings = ComputeSettings()
        settings.submitBytes = 10_000
        var service = VirtualService(settings)
        for _ in 0..<5 { service.at(0, .order(.test(arguments: String(repeating: "a", count: 4000)))) }
        service.run(seconds: 30)
        #expect(service.submits.map { $0.batch.functions[0].arguments.count } == [2, 2, 1])
    }

    @Test func aTaskThatIsTooLargeAloneIsRefusedAtOnce() {
        var service = VirtualService()
        service.at(0, .order(.test(arguments: String(repeating: "a", count: 10_000_000))))
        // Quotes double their bytes in JSON.
        service.at(0, .order(.test(arguments: String(repeating: "\"", count: 6_000_000))))
        service.run(seconds: 1)
        #expect(service.refusals.map(\.code) == [.tooLarge, .tooLarge])
        #expect(service.refusals.map(\.status) == [413, 413])
        #expect(service.submits.isEmpty)
        #expect(service.isEmpty)
    }

    @Test func theQueueIsBounded() {
        var settings = ComputeSettings()
        settings.queuedTasks = 10
        var service = VirtualService(settings)
        service.onSubmit = { _, _ in CallFailure(kind: .status(429), retryAfterSeconds: 100) }
        for _ in 0..<50 { service.at(0, .order(.test(deadlineSeconds: 20))) }
        service.run(seconds: 1)
        #expect(service.refusals.count == 40)
        #expect(service.refusals.allSatisfy { $0.code == .queueFull && $0.status == 503 && $0.retryAfterSeconds ?? 0 >= 1 })
        service.run(seconds: 30)
        #expect(service.outcomes.values.allSatisfy { $0 == [.deadline] })
        #expect(service.isEmpty)
    }

    @Test func theBytesHeldAreBounded() {
        var settings = ComputeSettings()
        settings.heldBytes = 10_000
        var service = VirtualService(settings)
        for _ in 0..<4 { service.at(0, .order(.test(arguments: String(repeating: "a", count: 3000)))) }
        service.run(seconds: 20)
        #expect(service.refusals.map(\.code) == [.queueFull])
        #expect(service.isEmpty)
    }

    @Test func aTaskGivenUpInTheQueueIsNeverSubmitted() {
        var service = VirtualService()
        service.at(0, .order(.test()))
        service.at(0.01, .givenUp(1))
        service.run(seconds: 10)
        #expect(service.submits.isEmpty)
        #expect(service.outcomes == [1: [.released]])
        #expect(service.isEmpty)
    }

    @Test func bytesCountAsJSONWritesThem() {
        #expect(ComputeMachine.sentBytes("abc") == 7)
        #expect(ComputeMachine.sentBytes("\"\\\n") == 10)
        #expect(ComputeMachine.sentBytes("é") >= 6 + 2)
        #expect(ComputeMachine.sentBytes("😀") >= 12 + 2)
        #expect(ComputeMachine.sentBytes("\u{1}") >= 6 + 2)
    }
}
