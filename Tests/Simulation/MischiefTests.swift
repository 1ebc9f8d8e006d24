import Gossip
import Testing

@testable import Simulation

/// Whatever a member with a valid certificate does: nothing of it enters a view, and the others stay one mesh.
@Suite struct MischiefTests {
    private func scenario(_ misbehaviour: Step.Misbehaviour) -> Scenario {
        var scenario = Scenario.calm(6, seconds: 90).naming(3)
        scenario.groups.append(NodeGroup(name: "honest", members: .rest))
        scenario = scenario.doing(
            Step(at: 10, .misbehave("n3", misbehaviour)), Step(at: 40, .publish("honest", .catalog, mark: "news"))
        ).expecting(.seen(mark: "news", share: 1, withinSeconds: 20))
        scenario.settings.maximumRecordBytes = 16_384
        return scenario
    }

    @Test(arguments: [
        (Step.Misbehaviour.forge, RecordRefusal.badSignature), (.forge, .wrongOrigin), (.foreign, .foreignFederation),
        (.oversized, .oversized), (.future, .futureDated), (.equivocate, .equivocation), (.replay, .stale),
    ])
    func whatIsFalseIsRefused(misbehaviour: Step.Misbehaviour, cause: RecordRefusal) {
        let outcome = scenario(misbehaviour).expecting(.refused(cause: cause, atLeast: 3)).run()
        #expect(outcome.failure == nil)
    }

    @Test(arguments: Step.Misbehaviour.allCases)
    func theOthersStayOneMesh(misbehaviour: Step.Misbehaviour) {
        let outcome = scenario(misbehaviour).expecting(.falseDeaths(atMost: 0, outside: "n3", from: nil, to: nil)).run(
            seed: 2)
        #expect(outcome.failure == nil)
    }

    @Test(arguments: [Step.Misbehaviour.forge, .foreign, .oversized])
    func whoeverHandsOutForgeriesIsHeardNoMore(misbehaviour: Step.Misbehaviour) {
        let outcome = scenario(misbehaviour).expecting(.greylisted(group: "n3", share: 1)).run()
        #expect(outcome.failure == nil)
    }

    /// What a slow line could not take in time is not sent when its sender has long ended.
    @Test func whatCouldNotLeaveInTimeNeverDoes() {
        var narrow = NetworkModel()
        narrow.bandwidthBytesPerSecond = 2000
        let outcome = Scenario.calm(5, seconds: 90).naming(3).doing(
            Step(at: 15, .misbehave("n3", .flood)), Step(at: 15, .network(narrow)),
            Step(at: 60, .network(NetworkModel())), Step(at: 60, .crash("n3", isSilent: false)),
            Step(at: 60, .mark("gone"))
        ).expecting(
            .detected(group: "n3", states: [.unreachable], share: 1, after: "gone", withinSeconds: 20),
            .atEnd(group: "n3", states: [.unreachable])
        ).run()
        #expect(outcome.failure == nil)
    }
}
