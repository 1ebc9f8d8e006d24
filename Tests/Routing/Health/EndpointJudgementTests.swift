import Gossip
import Testing

@testable import Routing

/// What follows from the endpoint's heartbeat, the status function and our own requests.
struct JudgementCase: Sendable, CustomTestStringConvertible {
    var name: String
    var endpoint: EndpointJudgement.Endpoint
    var report: EndpointJudgement.Report?
    var own = EndpointJudgement.Own()
    var expected: ModelState
    var testDescription: String { name }
}

private func report(_ state: ModelState, eta: Double? = nil, walltime: Double? = nil, reason: String? = nil)
    -> EndpointJudgement.Report
{
    EndpointJudgement.Report(state: state, etaSeconds: eta, walltimeRemainingSeconds: walltime, reason: reason)
}

private let second: UInt64 = 1_000_000_000

private let cases: [JudgementCase] = [
    JudgementCase(name: "offline", endpoint: .offline, expected: .offline),
    JudgementCase(name: "the service cannot be asked", endpoint: .unknown, expected: .disconnected),
    JudgementCase(name: "templated: no managers told", endpoint: .online(managers: nil, waiting: 0), expected: .running),
    JudgementCase(name: "a node is up", endpoint: .online(managers: 1, waiting: 0), expected: .running),
    JudgementCase(name: "no node, nothing waits", endpoint: .online(managers: 0, waiting: 0), expected: .stopped),
    JudgementCase(name: "no node, tasks wait", endpoint: .online(managers: 0, waiting: 3), expected: .queued),
    JudgementCase(
        name: "the scheduler queues it", endpoint: .online(managers: 0, waiting: 0), report: report(.queued, eta: 90),
        expected: .queued),
    JudgementCase(
        name: "the job runs, the endpoint has no node", endpoint: .online(managers: 0, waiting: 0), report: report(.running),
        expected: .disconnected),
    JudgementCase(
        name: "the job runs, managers not told", endpoint: .online(managers: nil, waiting: 0), report: report(.running),
        expected: .running),
    JudgementCase(
        name: "starting", endpoint: .online(managers: 1, waiting: 0), report: report(.starting), expected: .starting),
    JudgementCase(
        name: "served a moment ago, whatever others say", endpoint: .offline, report: report(.queued),
        own: .init(failuresInARow: 0, sinceSuccess: 5 * second), expected: .running),
    JudgementCase(
        name: "served two minutes ago", endpoint: .offline, own: .init(failuresInARow: 0, sinceSuccess: 120 * second),
        expected: .offline),
    JudgementCase(
        name: "three failures in a row", endpoint: .online(managers: 1, waiting: 0),
        own: .init(failuresInARow: 3, sinceSuccess: 50 * second, sinceFailure: 1 * second), expected: .failed),
    JudgementCase(
        name: "two failures are not enough", endpoint: .online(managers: 1, waiting: 0),
        own: .init(failuresInARow: 2, sinceFailure: 1 * second), expected: .running),
    JudgementCase(
        name: "after a rest one request may try", endpoint: .online(managers: 1, waiting: 0),
        own: .init(failuresInARow: 9, sinceFailure: 31 * second), expected: .running),
]

@Suite struct EndpointJudgementTests {
    @Test(arguments: cases)
    func stateFollows(_ row: JudgementCase) {
        let judgement = EndpointJudgement(endpoint: row.endpoint, report: row.report, own: row.own)
        #expect(judgement.observation.state == row.expected)
    }

    @Test func etaReasonAndWalltimeAreCarried() {
        let queued = EndpointJudgement(
            endpoint: .online(managers: 0, waiting: 0), report: report(.queued, eta: 90, walltime: 3_659, reason: "Held"),
            own: .init()
        ).observation
        #expect(queued.etaSeconds == 90)
        #expect(queued.reason == "Held")
        #expect(queued.walltimeRemainingSeconds == 3_600, "whole minutes: each change goes to the whole federation")
    }
}
