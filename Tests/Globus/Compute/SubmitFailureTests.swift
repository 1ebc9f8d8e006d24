import Testing

@testable import Globus

/// What becomes of tasks whose submit failed.
struct SubmitFailureTests {
    /// A service that says no to the first submits, and one order.
    private func service(_ failures: [CallFailure], orders: Int = 1, seconds: Double = 120) -> VirtualService {
        var service = VirtualService()
        service.onSubmit = { index, _ in index < failures.count ? failures[index] : nil }
        for _ in 0..<orders { service.at(0, .order(.test())) }
        service.run(seconds: seconds)
        return service
    }

    private func status(_ status: Int, code: String = "", message: String = "", retryAfter: Double? = nil) -> CallFailure {
        CallFailure(kind: .status(status), code: code, message: message, retryAfterSeconds: retryAfter)
    }

    struct Refusal: Sendable {
        var status: Int
        var code = ""
        var message = ""
        var expected: ComputeFailure.Code
    }

    @Test(arguments: [
        Refusal(status: 400, code: "REQUEST_MALFORMED", expected: .badRequest),
        Refusal(status: 400, code: "INVALID_UUID", expected: .badRequest),
        Refusal(status: 403, code: "ENDPOINT_ACCESS_FORBIDDEN", expected: .forbidden),
        Refusal(status: 403, code: "FUNCTION_NOT_PERMITTED", expected: .functionNotPermitted),
        Refusal(status: 403, message: "Function f1 not permitted on endpoint e1", expected: .functionNotPermitted),
        Refusal(status: 404, code: "ENDPOINT_NOT_FOUND", expected: .endpointNotFound),
        Refusal(status: 404, code: "FUNCTION_NOT_FOUND", expected: .functionNotFound),
        Refusal(status: 413, expected: .tooLarge),
        Refusal(status: 422, code: "SEMANTICALLY_INVALID", message: "unmapped identity", expected: .endpointStartFailed),
        Refusal(status: 403, message: "Quota exceeded for this endpoint", expected: .quotaExceeded),
    ])
    func aRefusalIsFinalAndSaysWhat(_ refusal: Refusal) throws {
        let service = service([status(refusal.status, code: refusal.code, message: refusal.message)])
        #expect(service.submits.count == 1)
        guard case .refused(let failure)? = service.outcomes[1]?.first else {
            Issue.record("not refused: \(service.outcomes)")
            return
        }
        #expect(failure.code == refusal.expected)
        #expect(failure.detail?.contains(refusal.message) ?? false)
        #expect(service.outcomes[1]?.count == 1)
        // The operator is told which endpoint and which function.
        #expect(service.logs.contains { $0.contains("e1") && $0.contains("f1") })
        #expect(service.isEmpty)
    }

    @Test func tooManyRequestsStopsTheWholeClient() {
        var service = VirtualService()
        service.onSubmit = { index, _ in index == 0 ? CallFailure(kind: .status(429), retryAfterSeconds: 7) : nil }
        service.at(0, .order(.test()))
        service.at(1, .order(.test(endpoint: "e2")))
        service.at(1, .question)
        service.run(seconds: 60)
        let again = service.submits[1].at.seconds(since: service.submits[0].at)
        #expect(again >= 7.3 - 1e-6 && again < 8)
        #expect(service.asked[0].at >= service.submits[0].at.adding(seconds: 7.29))
        #expect(service.outcomes.count == 2)
        #expect(service.machine.counters.throttled == 1)
    }

    @Test func anAbsurdRetryAfterIsNotObeyed() {
        let service = service([status(429, retryAfter: 1e9)], seconds: 200)
        #expect(service.submits.count == 2)
    }

    @Test func aFailingServiceIsTriedAgainMoreAndMoreSeldom() {
        let service = service(Array(repeating: status(503), count: 10))
        #expect(service.submits.count == 5)
        let gaps = zip(service.submits, service.submits.dropFirst()).map { $1.at.seconds(since: $0.at) }
        #expect(gaps.last ?? 0 > (gaps.first ?? 0) * 2)
        guard case .refused(let failure)? = service.outcomes[1]?.first else {
            Issue.record("not refused")
            return
        }
        #expect(failure.code == .unavailable && failure.status == 503 && failure.retryAfterSeconds != nil)
        #expect(service.isEmpty)
    }

    @Test func aServiceThatIsDownSaysWhenToComeBack() {
        let service = service([status(503, retryAfter: 9)])
        let again = service.submits[1].at.seconds(since: service.submits[0].at)
        #expect(again >= 9 && again < 10)
        #expect(service.outcomes == [1: [.result("11\n1", ComputeDetails())]])
    }

    @Test func anUnreachableServiceIsTriedAgain() {
        let service = service([CallFailure(kind: .transit(mayHaveArrived: false)), status(500), status(503)])
        #expect(service.submits.count == 4)
        #expect(service.accepted[1]?.first?.resubmissions == 0)
        #expect(service.outcomes[1]?.count == 1)
    }

    @Test func aSubmitThatMayHaveArrivedIsRepeatedOnce() {
        let broken = CallFailure(kind: .transit(mayHaveArrived: true))
        let once = service([broken])
        #expect(once.submits.count == 2)
        #expect(once.accepted[1]?.first?.resubmissions == 1)
        let twice = service([broken, status(504)])
        #expect(twice.submits.count == 2)
        guard case .lost? = twice.outcomes[1]?.first else {
            Issue.record("not lost: \(twice.outcomes)")
            return
        }
        #expect(twice.isEmpty)
    }

    /// The callback came before the answer to the submit broke: it runs, and has no id.
    @Test func whatHasStartedIsNotRepeated() {
        for failure in [CallFailure(kind: .transit(mayHaveArrived: true)), status(503), status(429)] {
            var service = VirtualService()
            service.onSubmit = { _, _ in failure }
            service.at(0, .order(.test(deadlineSeconds: 60)))
            service.at(0.2, .started(1))
            service.run(seconds: 30)
            #expect(service.submits.count == 1)
            #expect(service.outcomes.isEmpty)
            service.at(0, .settled(1))
            service.run(seconds: 1)
            #expect(service.outcomes == [1: [.released]])
            #expect(service.isEmpty)
        }
    }

    /// It started after the first submission was thought lost, while it waited for the second.
    @Test func whatStartsBeforeItsRepetitionIsNotRepeated() {
        var service = VirtualService()
        service.onSubmit = { _, _ in CallFailure(kind: .transit(mayHaveArrived: true)) }
        service.at(0, .order(.test(deadlineSeconds: 20)))
        service.at(0.4, .started(1))
        service.run(seconds: 30)
        #expect(service.submits.count == 1)
        #expect(service.outcomes == [1: [.deadline]])
        #expect(service.isEmpty)
    }

    @Test func aTokenThatIsNotTakenIsRenewedOnce() {
        let once = service([status(401)])
        #expect(once.submits.count == 2)
        #expect(once.outcomes[1]?.count == 1)
        let twice = service([status(401), status(401)])
        #expect(twice.submits.count == 2)
        guard case .refused(let failure)? = twice.outcomes[1]?.first else {
            Issue.record("not refused")
            return
        }
        #expect(failure.code == .unauthorized && failure.status == 502)
    }

    @Test func withoutATokenNothingIsKnown() {
        let later = service([CallFailure(kind: .noToken(isRefused: false))])
        #expect(later.submits.count == 2)
        let never = service([CallFailure(kind: .noToken(isRefused: true))])
        #expect(never.submits.count == 1)
        #expect(never.isEmpty)
    }

    @Test func anOldProcessFileIsWaitedFor() {
        let refusal = status(422, code: "SEMANTICALLY_INVALID", message: "Failed to start: (SystemExit) 73")
        let short = service(Array(repeating: refusal, count: 4))
        #expect(short.submits.count == 5)
        #expect(short.outcomes[1]?.count == 1)
        let long = service(Array(repeating: refusal, count: 50), seconds: 200)
        let tried = long.submits[long.submits.count - 1].at.seconds(since: long.submits[0].at)
        #expect(tried > 80 && tried < 110)
        guard case .refused(let failure)? = long.outcomes[1]?.first else {
            Issue.record("not refused")
            return
        }
        #expect(failure.code == .endpointStartFailed)
    }

    /// One function that is not allowed must not take down the others.
    @Test func aRefusedSubmitOfSeveralFunctionsIsTakenApart() {
        var service = VirtualService()
        service.onSubmit = { _, batch in
            batch.functions.contains { $0.function == "bad" }
                ? CallFailure(kind: .status(403), code: "FUNCTION_NOT_PERMITTED") : nil
        }
        for function in ["f1", "bad", "f2", "bad"] { service.at(0, .order(.test(function: function))) }
        service.run(seconds: 60)
        for good in [1, 3] as [UInt64] { #expect(service.outcomes[good] == [.result("11\n1", ComputeDetails())]) }
        for bad in [2, 4] as [UInt64] {
            guard case .refused(let failure)? = service.outcomes[bad]?.first else {
                Issue.record("not refused")
                continue
            }
            #expect(failure.code == .functionNotPermitted)
        }
        #expect(service.submits.count == 4)
    }

    @Test func aSubmitThatIsTooLargeIsHalved() {
        var service = VirtualService()
        service.onSubmit = { _, batch in
            batch.functions.reduce(0) { $0 + $1.arguments.count } > 2 ? CallFailure(kind: .status(413)) : nil
        }
        for _ in 0..<8 { service.at(0, .order(.test())) }
        service.run(seconds: 60)
        #expect(service.outcomes.values.allSatisfy { $0 == [.result("11\n1", ComputeDetails())] })
        #expect(service.outcomes.count == 8)
        #expect(service.submits.count == 7)
    }

    @Test func aReplyWithWrongCountsFailsThatFunctionOnly() {
        var service = VirtualService()
        service.onReply = { _, reply in reply.tasks["f1"]?.removeLast() }
        for function in ["f1", "f2", "f1"] { service.at(0, .order(.test(function: function))) }
        service.run(seconds: 30)
        for bad in [1, 3] as [UInt64] {
            guard case .refused(let failure)? = service.outcomes[bad]?.first else {
                Issue.record("not refused")
                continue
            }
            #expect(failure.code == .protocolViolation)
        }
        #expect(service.outcomes[2] == [.result("11\n1", ComputeDetails())])
        #expect(service.isEmpty)
    }

    @Test func aReplyWithOneIDTwiceIsRefused() {
        var service = VirtualService()
        service.onReply = { _, reply in reply.tasks["f1"] = ["same", "same"] }
        for _ in 0..<2 { service.at(0, .order(.test())) }
        service.run(seconds: 30)
        #expect(service.accepted.isEmpty)
        #expect(service.isEmpty)
    }

    @Test func aLostTaskGroupIsLeft() {
        var service = VirtualService()
        service.onSubmit = { index, _ in index == 1 ? CallFailure(kind: .status(404), code: "TASK_GROUP_NOT_FOUND") : nil }
        service.at(0, .order(.test()))
        service.at(5, .order(.test()))
        service.run(seconds: 40)
        #expect(service.submits.map(\.batch.taskGroup) == [nil, "group", nil])
        #expect(service.outcomes[2] == [.result("11\n1", ComputeDetails())])
    }
}
