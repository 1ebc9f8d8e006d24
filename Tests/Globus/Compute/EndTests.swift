import Testing

@testable import Globus

/// Deadlines, tasks that are settled by a callback or given up; nothing of a task remains.
struct EndTests {
    @Test func aTaskThatNeverEndsHasADeadline() {
        var service = VirtualService()
        service.report = { _, _ in .pending }
        service.at(0, .order(.test(deadlineSeconds: 30)))
        service.run(seconds: 29.9)
        #expect(service.outcomes.isEmpty)
        service.run(seconds: 0.2)
        #expect(service.outcomes == [1: [.deadline]])
        service.run(seconds: 1)
        #expect(service.isEmpty)
        #expect(service.machine.nextTick == nil)
    }

    @Test func aDeadlineDuringTheSubmitLeavesNothing() {
        var service = VirtualService()
        service.submitSeconds = 10
        service.report = { _, _ in .succeeded("11\n1") }
        service.at(0, .order(.test(deadlineSeconds: 5)))
        service.at(0, .order(.test(deadlineSeconds: 60)))
        service.run(seconds: 6)
        #expect(service.outcomes == [1: [.deadline]])
        service.run(seconds: 20)
        // The other has its own id and result.
        #expect(service.outcomes == [1: [.deadline], 2: [.result("11\n1", .init())]])
        #expect(service.isEmpty)
    }

    @Test func aLateResultIsIgnored() {
        var service = VirtualService()
        service.pollSeconds = 3
        service.report = { _, _ in .succeeded("11\n1") }
        service.at(0, .order(.test(deadlineSeconds: 2)))
        service.run(seconds: 20)
        #expect(service.outcomes == [1: [.deadline]])
        #expect(service.isEmpty)
    }

    @Test func aSettledTaskHurriesNobody() {
        var service = VirtualService()
        service.report = { _, _ in .pending }
        service.at(0, .order(.test()))
        service.at(0.4, .started(1))
        service.at(0.6, .settled(1))
        service.run(seconds: 14)
        #expect(service.outcomes == [1: [.released]])
        #expect(service.polls.isEmpty)
        service.run(seconds: 600)
        #expect(service.polls.count <= 10)
        #expect(service.isEmpty)
    }

    @Test func theResultOfASettledTaskIsFetchedOnce() {
        var service = VirtualService()
        service.report = { _, _ in .succeeded("11\n1") }
        service.at(0, .order(.test()))
        service.at(0.5, .settled(1))
        service.run(seconds: 60)
        #expect(service.polls.count == 1)
        #expect(service.outcomes == [1: [.released]])
        #expect(service.isEmpty)
    }

    @Test func aTaskGivenUpIsLookedForLazilyUntilItsDeadline() {
        var service = VirtualService()
        service.report = { _, _ in .pending }
        service.at(0, .order(.test(deadlineSeconds: 200)))
        service.at(2, .givenUp(1))
        service.run(seconds: 300)
        #expect(service.outcomes == [1: [.released]])
        #expect((8...18).contains(service.polls.count))
        #expect(service.isEmpty)
    }

    @Test func argumentsAreKeptOnlyWhileTheyMayBeNeeded() {
        var service = VirtualService()
        service.report = { _, _ in .pending }
        for _ in 0..<2 { service.at(0, .order(.test(arguments: String(repeating: "a", count: 1000)))) }
        service.run(seconds: 1)
        #expect(service.machine.heldBytes > 2000)
        service.at(0, .started(1))
        service.at(0, .givenUp(2))
        service.run(seconds: 1)
        #expect(service.machine.heldBytes == 0)
    }

    @Test func idleQueuesAreForgotten() {
        var service = VirtualService()
        for index in 0..<10 { service.at(0, .order(.test(endpoint: "e\(index)", config: "{\"a\": \(index)}"))) }
        service.run(seconds: 100)
        #expect(service.machine.queues.count == 10 && service.machine.endpoints.count == 10)
        service.at(700, .order(.test(deadlineSeconds: 100)))
        service.run(seconds: 1000)
        #expect(service.machine.queues.count <= 1 && service.machine.endpoints.count <= 1)
    }

    /// However few requests a window is set to have, each kind gets through.
    @Test(arguments: [0, 1, 2, 3, 6]) func tightSettingsStillWork(_ requests: Int) {
        var settings = ComputeSettings()
        settings.requestsPerWindow = requests
        settings.pollReserve = requests
        settings.tasksPerSubmit = 0
        settings.tasksPerPoll = 0
        var service = VirtualService(settings)
        for _ in 0..<3 { service.at(0, .order(.test(deadlineSeconds: 1000))) }
        service.at(0, .question)
        service.run(seconds: 1000)
        #expect(service.outcomes.values.map { $0 } == Array(repeating: [.result("11\n1", ComputeDetails())], count: 3))
        #expect(service.asked.count == 1)
        #expect(service.mostRequests() <= max(requests, 2))
    }

    @Test func unknownNumbersDoNothing() {
        var service = VirtualService()
        for event in [VirtualService.Event.started(9), .settled(9), .givenUp(9)] { service.at(0, event) }
        service.at(0, .submitted(7, .success(SubmitReply(tasks: ["f1": ["t9"]]))))
        service.at(0, .polled(7, .success([TaskReport(id: "t9", state: .succeeded("x"))])))
        service.run(seconds: 5)
        #expect(service.isEmpty)
        #expect(service.outcomes.isEmpty)
    }

    /// A service that fails in every way, for an hour: each task ends exactly once, the budget holds, and nothing stays.
    @Test(arguments: 1...12 as ClosedRange<UInt64>) func chaos(seed: UInt64) {
        let arrivals = PoissonArrivals(perSecond: 2, seed: seed)
        var service = VirtualService(seed: seed)
        let failures: [CallFailure] = [
            .init(kind: .status(429), retryAfterSeconds: 2), .init(kind: .status(503)), .init(kind: .status(502)),
            .init(kind: .transit(mayHaveArrived: true)), .init(kind: .transit(mayHaveArrived: false)),
            .init(kind: .status(401)),
            .init(kind: .status(413)), .init(kind: .status(403)), .init(kind: .unreadable),
            .init(kind: .noToken(isRefused: false)),
            .init(kind: .status(422), message: "(SystemExit) 73"), .init(kind: .tooLong), .init(kind: .status(404)),
        ]
        func draw(_ index: Int, _ salt: UInt64) -> Int {
            var jitter = JitterGenerator(seed: seed &* 31 &+ salt &+ UInt64(index) &* 977)
            return Int(jitter.unit() * 1000)
        }
        service.onSubmit = { index, _ in draw(index, 1) < 300 ? failures[draw(index, 2) % failures.count] : nil }
        service.onPoll = { index, _ in draw(index, 3) < 200 ? failures[draw(index, 4) % failures.count] : nil }
        service.onReply = { index, reply in if draw(index, 5) < 50 { reply.tasks["f1"]?.append("more") } }
        service.report = { id, age in
            switch draw(Int(id.dropFirst()) ?? 0, 6) {
            case 0..<100: nil
            case 100..<150: .pending
            case 150..<250: age > 4 ? .failed("WorkerLost", isWorkerLost: true) : .pending
            default: age > 3 ? .succeeded("11\n1") : .pending
            }
        }
        var source = arrivals
        let times = source.times(until: 900)
        for (index, time) in times.enumerated() {
            let number = UInt64(index + 1)
            service.at(
                time,
                .order(
                    .test(
                        endpoint: "e\(source.pick(3))", function: "f\(1 + source.pick(2))",
                        deadlineSeconds: 20 + Double(source.pick(100)))))
            switch source.pick(6) {
            case 0: service.at(time + 2, .started(number))
            case 1:
                service.at(time + 2, .started(number))
                service.at(time + 4, .settled(number))
            case 2: service.at(time + Double(source.pick(20)), .givenUp(number))
            default: break
            }
        }
        service.run(seconds: 1200)
        #expect(service.outcomes.count + service.refusals.count == times.count)
        #expect(service.outcomes.values.allSatisfy { $0.count == 1 })
        #expect(service.accepted.values.allSatisfy { $0.count <= 2 })
        #expect(service.mostRequests() <= 20)
        #expect(service.isEmpty)
        #expect(service.machine.nextTick == nil)
    }
}
