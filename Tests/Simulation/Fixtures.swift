import Gossip

@testable import Simulation

extension Scenario {
    /// A small mesh that is left alone.
    static func calm(_ nodes: Int = 5, seconds: Double = 60) -> Scenario {
        Scenario(name: "calm", description: "nothing happens", nodes: nodes, runSeconds: seconds)
    }

    /// Groups of one node each, by index: `n3` is the fourth.
    func naming(_ indices: Int...) -> Scenario {
        var scenario = self
        for index in indices { scenario.groups.append(NodeGroup(name: "n\(index)", members: .nodes([index]))) }
        return scenario
    }

    func doing(_ steps: Step...) -> Scenario {
        var scenario = self
        scenario.steps += steps
        return scenario
    }

    func expecting(_ kinds: Expectation.Kind...) -> Scenario {
        var scenario = self
        scenario.expectations += kinds.map { Expectation($0) }
        return scenario
    }

    func run(seed: UInt64 = 1) -> Outcome {
        var run = Run(self, seed: seed)
        return run.run()
    }

    /// All that happened, as text.
    func trace(seed: UInt64) -> String {
        final class Text { var lines = "" }
        let text = Text()
        var run = Run(self, seed: seed) { line in text.lines += line.json + "\n" }
        _ = run.run()
        return text.lines
    }
}

/// Five nodes, two minutes of everything.
let trouble: Scenario = {
    var scenario = Scenario.calm(6, seconds: 130)
    scenario.settings.deadAfterSeconds = 30
    scenario.settings.forgetAfterSeconds = 30
    scenario.chaos = ChaosModel(fromSeconds: 5, toSeconds: 70, count: 14)
    return scenario
}()
