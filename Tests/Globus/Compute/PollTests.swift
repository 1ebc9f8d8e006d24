import Testing

@testable import Globus

/// How results are asked for, and what becomes of tasks that have none.
struct PollTests {
    @Test func nothingOutstandingMeansNoPoll() {
        var service = VirtualService()
        service.at(0, .order(.test()))
        service.run(seconds: 20)
        let polls = service.polls.count
        #expect(polls > 0)
        service.run(seconds: 600)
        #expect(service.polls.count == polls)
        #expect(service.machine.nextTick == nil)
    }

    @Test func allOutstandingTasksShareAPoll() {
        var service = VirtualService()
        for index in 0..<30 { service.at(0, .order(.test(endpoint: "e\(index % 3)"))) }
        service.run(seconds: 4)
        #expect(service.polls.last?.ids.count == 30)
    }

    /// Half a second when young, as far as the budget goes; up to five seconds when old.
    @Test func pollsGetRarerWithAge() {
        var service = VirtualService()
        service.report = { _, age in age >= 400 ? .succeeded("11\n1") : .pending }
        service.at(0, .order(.test(deadlineSeconds: 500)))
        service.run(seconds: 500)
        func polls(_ from: Double, _ to: Double) -> Int {
            let start = service.submits[0].at
            return service.polls.count { (from..<to).contains($0.at.seconds(since: start)) }
        }
        #expect((12...14).contains(polls(0, 10)))
        #expect((38...43).contains(polls(12, 60)))
        #expect((18...20).contains(polls(300, 400)))
    }

    @Test func idsPerPollAreBoundedAndTakeTurns() {
        var settings = ComputeSettings()
        settings.tasksPerPoll = 10
        var service = VirtualService(settings)
        service.report = { _, age in age >= 30 ? .succeeded("11\n1") : .pending }
        for _ in 0..<25 { service.at(0, .order(.test())) }
        service.run(seconds: 20)
        #expect(service.polls.allSatisfy { $0.ids.count <= 10 })
        #expect(Set(service.polls.prefix(3).flatMap(\.ids)).count == 25)
        service.run(seconds: 60)
        #expect(service.outcomes.count == 25)
    }

    @Test func idsThatAreLeftOutArePending() {
        var service = VirtualService()
        service.report = { id, age in id == "t1" && age < 20 ? nil : age >= 5 ? .succeeded("11\n1") : .pending }
        for _ in 0..<2 { service.at(0, .order(.test())) }
        service.run(seconds: 60)
        #expect(service.submits.count == 1)
        #expect(service.outcomes == [1: [.result("11\n1", .init())], 2: [.result("11\n1", .init())]])
    }

    @Test func aTaskTheServiceForgotIsSubmittedOnceMore() {
        var service = VirtualService()
        service.report = { id, age in id == "t1" ? nil : age >= 5 ? .succeeded("11\n1") : .pending }
        service.at(0, .order(.test()))
        service.run(seconds: 200)
        #expect(service.submits.count == 2)
        let waited = service.submits[1].at.seconds(since: service.submits[0].at)
        #expect(waited > 60 && waited < 75)
        #expect(service.accepted[1]?.map(\.resubmissions) == [0, 1])
        #expect(service.outcomes == [1: [.result("11\n1", .init())]])
    }

    @Test func aTaskForgottenTwiceOrStartedIsLost() {
        for isStarted in [false, true] {
            var service = VirtualService()
            service.report = { _, _ in nil }
            service.at(0, .order(.test(deadlineSeconds: 1000)))
            if isStarted { service.at(2, .started(1)) }
            service.run(seconds: 500)
            #expect(service.submits.count == (isStarted ? 1 : 2))
            guard case .lost? = service.outcomes[1]?.first else {
                Issue.record("not lost: \(service.outcomes)")
                continue
            }
            #expect(service.isEmpty)
        }
    }

    /// A service that answers 404 to the whole poll because of one id.
    @Test func anUnknownIDDoesNotHideTheOthers() {
        var service = VirtualService()
        service.onPoll = { _, ids in ids.contains("t7") ? CallFailure(kind: .status(404), code: "TASK_NOT_FOUND") : nil }
        for _ in 0..<20 { service.at(0, .order(.test(deadlineSeconds: 400))) }
        service.run(seconds: 60)
        #expect(service.outcomes.count == 19)
        service.run(seconds: 200)
        #expect(service.outcomes.count == 20)
        #expect(service.accepted[7]?.count == 2)
        #expect(service.isEmpty)
    }

    @Test func anAnswerThatIsTooLongIsAskedForInParts() {
        var service = VirtualService()
        service.onPoll = { _, ids in ids.count > 3 || ids == ["t2"] ? CallFailure(kind: .tooLong) : nil }
        for _ in 0..<16 { service.at(0, .order(.test())) }
        service.run(seconds: 100)
        #expect(service.outcomes.count == 16)
        let results = service.outcomes.filter { $0.value == [.result("11\n1", ComputeDetails())] }
        #expect(results.count >= 13)
    }

    @Test func oneResultThatIsTooLongAloneFailsAlone() {
        var service = VirtualService()
        service.onPoll = { _, ids in ids.contains("t2") ? CallFailure(kind: .tooLong) : nil }
        for _ in 0..<4 { service.at(0, .order(.test())) }
        service.run(seconds: 100)
        guard case .failed(let text, _)? = service.outcomes[2]?.first else {
            Issue.record("not failed")
            return
        }
        #expect(RemoteFailure(exceptionText: text).kind == .resultTooLarge)
        #expect(service.outcomes.values.count { $0 == [.result("11\n1", ComputeDetails())] } == 3)
    }

    @Test(arguments: [
        CallFailure(kind: .status(500)), CallFailure(kind: .status(401)), CallFailure(kind: .transit(mayHaveArrived: true)),
        CallFailure(kind: .unreadable), CallFailure(kind: .status(429), retryAfterSeconds: 3),
        CallFailure(kind: .noToken(isRefused: true)),
    ])
    func pollsThatFailAreRepeated(_ failure: CallFailure) {
        var service = VirtualService()
        service.onPoll = { index, _ in index < 4 ? failure : nil }
        service.at(0, .order(.test()))
        service.run(seconds: 60)
        #expect(service.outcomes == [1: [.result("11\n1", .init())]])
        #expect(service.submits.count == 1)
        let gaps = zip(service.polls, service.polls.dropFirst()).map { $1.at.seconds(since: $0.at) }
        #expect(gaps[3] > 1)
    }

    @Test func aLostWorkerIsNotTheTasksFault() {
        for (isStarted, submits) in [(false, 2), (true, 1)] {
            var service = VirtualService()
            service.report = { id, age in
                age < 3 ? .pending : id == "t1" ? .failed("WorkerLost", isWorkerLost: true) : .succeeded("11\n1")
            }
            service.at(0, .order(.test()))
            if isStarted { service.at(1, .started(1)) }
            service.run(seconds: 60)
            #expect(service.submits.count == submits)
            #expect(service.outcomes == [1: [isStarted ? .failed("WorkerLost", .init()) : .result("11\n1", .init())]])
            #expect(service.isEmpty)
        }
    }

    @Test func aLostWorkerTwiceIsToldAsSuch() {
        var service = VirtualService()
        service.report = { _, age in age < 3 ? .pending : .failed("WorkerLost", isWorkerLost: true) }
        service.at(0, .order(.test()))
        service.run(seconds: 60)
        #expect(service.submits.count == 2)
        #expect(service.outcomes == [1: [.failed("WorkerLost", .init())]])
    }

    @Test func aFunctionThatRaisedIsNotRepeated() {
        var service = VirtualService()
        service.report = { _, _ in .failed("ValueError: no", isWorkerLost: false) }
        service.at(0, .order(.test()))
        service.run(seconds: 60)
        #expect(service.submits.count == 1)
        #expect(service.outcomes == [1: [.failed("ValueError: no", .init())]])
        #expect(service.isEmpty)
    }

    /// FIRST's functions say that they are done before their result is there: it is looked for soon, not as seldom as that of a task
    /// whose callback tells of its end.
    @Test(arguments: [false, true])
    func aTaskThatSaysThatItIsDoneIsAskedForSoon(_ isEnding: Bool) {
        var service = VirtualService()
        service.report = { _, age in age >= 33 ? .succeeded("11\n1") : .pending }
        service.at(0, .order(.test()))
        service.at(1, .started(1))
        if isEnding { service.at(30, .ending(1)) }
        let told = service.now.adding(seconds: 30)
        service.run(seconds: 60)
        let polls = service.polls.filter { (told...told.adding(seconds: 3)).contains($0.at) }.count
        #expect(isEnding ? polls >= 4 : polls <= 2, "\(polls) polls in three seconds")
        #expect(service.outcomes[1]?.count == 1)
    }
}
