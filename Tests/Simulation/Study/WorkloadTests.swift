import Gossip
import Testing

@testable import Simulation

@Suite struct WorkloadTests {
    /// ANCHORS of the traces: means of tokens, and of the middle.
    @Test(
        "lengths are those of the traces",
        arguments: [
            (Workload.Shape.azureConversation, 1155.0, 211.0), (.azureCode, 2048, 28), (.mooncake, 12_035, 343),
        ])
    func lengths(shape: Workload.Shape, input: Double, output: Double) {
        var random = SeededGenerator(seed: 1)
        let workload = Workload(shape)
        let count = 100_000
        let inputs = (0..<count).map { _ in workload.input.draw(&random) }.reduce(0, +) / Double(count)
        let outputs = (0..<count).map { _ in workload.output.draw(&random) }.reduce(0, +) / Double(count)
        #expect(abs(inputs / input - 1) < 0.2, "\(inputs)")
        #expect(abs(outputs / output - 1) < 0.2, "\(outputs)")
    }

    private func gaps(_ bursts: Workload.Bursts?) -> (mean: Double, variation: Double) {
        var random = SeededGenerator(seed: 3)
        var arrivals = Arrivals(rates: [2], bursts: bursts, &random)
        var last = 0.0
        var gaps: [Double] = []
        for _ in 0..<50_000 {
            let next = arrivals.next(&random).at
            gaps.append(next - last)
            last = next
        }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let square = gaps.reduce(0) { $0 + $1 * $1 } / Double(gaps.count)
        return (mean, (square / (mean * mean) - 1).squareRoot())
    }

    @Test("users come at the rate that they are said to, in bursts or not")
    func rates() {
        let even = gaps(nil)
        #expect(abs(even.mean - 0.5) < 0.02 && abs(even.variation - 1) < 0.05)
        let bursts = gaps(Workload.Bursts(onSeconds: 4, offSeconds: 12))
        #expect(abs(bursts.mean - 0.5) < 0.05 && bursts.variation > 4, "\(bursts)")
    }

    @Test("prompts of the Mooncake shape begin as others did, as often as the trace's")
    func prefixes() {
        var study = RoutingStudy.small(.mooncake)
        study.requests = 20_000
        let requests = StudySetting(study, seed: 1).requests
        let share = requests.reduce(0) { $0 + $1.prefix } / requests.reduce(0) { $0 + $1.input }
        // 36.6 % of the trace's blocks are in a cache that forgets nothing.
        #expect((0.33...0.41).contains(share), "\(share)")
        #expect(requests.allSatisfy { $0.conversation >= 0 && $0.prefix <= $0.input })
        let byConversation = Dictionary(grouping: requests, by: \.conversation)
        #expect(byConversation.values.allSatisfy { $0[0].prefix == 0 && Set($0.map(\.entry)).count == 1 })
    }

    @Test("one seed, one setting: for all ways to choose")
    func setting() {
        let study = RoutingStudy.small()
        let first = StudySetting(study, seed: 4)
        let second = StudySetting(study, seed: 4)
        #expect(first.requests.map(\.arrivedAt) == second.requests.map(\.arrivedAt))
        #expect(first.sites.map(\.slots) == second.sites.map(\.slots))
        #expect(StudySetting(study, seed: 5).sites.map(\.tokenSeconds) != first.sites.map(\.tokenSeconds))
        // That sites die changes nothing else.
        var dying = study
        dying.deaths = RoutingStudy.Deaths(share: 0.3, atSeconds: 1e6)
        #expect(StudySetting(dying, seed: 4).requests.map(\.arrivedAt) == first.requests.map(\.arrivedAt))
    }
}
