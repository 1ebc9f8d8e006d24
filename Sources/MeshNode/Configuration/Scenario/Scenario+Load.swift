import Gossip
import Simulation

extension Scenario {
    static let nodesAllowed = 1...4096
    static let secondsAllowed = 0.0...2_592_000.0
    static let seedsAllowed = 64
    static let stepsAllowed = 1000
    static let expectationsAllowed = 64

    /// Reads a scenario.
    /// - Throws: everything wrong with the file.
    static func load(path: String) throws(ConfigurationErrors) -> Scenario {
        try Decoding.decode(path: path, validatingFiles: false, decode)
    }

    static func decode(_ fields: ConfigurationFields) -> Scenario {
        var scenario = Scenario(
            name: fields["scenario"].label(),
            description: fields["description"].string(length: 1...4096),
            nodes: fields["nodes"].integer(in: nodesAllowed),
            runSeconds: fields["runSeconds"].number(in: 1...secondsAllowed.upperBound, unit: "seconds"))
        scenario.nodesPerSite = fields["nodesPerSite"].integer(in: 1...64, default: 1)
        scenario.startWithinSeconds = fields["startWithinSeconds"].duration(in: 0...scenario.runSeconds, default: 0)
        if fields["seeds"].isPresent {
            scenario.seeds = nodes(fields["seeds"], of: scenario.nodes, atMost: seedsAllowed)
        }
        scenario.settings = Settings.decode(fields["settings"])
        scenario.network = NetworkModel.decode(fields["network"], from: NetworkModel())
        scenario.records = RecordModel.decode(fields["records"])
        scenario.groups = NodeGroup.decode(fields["groups"], nodes: scenario.nodes, seeds: scenario.seeds)
        scenario.chaos = fields["chaos"].optional { ChaosModel.decode($0, runSeconds: scenario.runSeconds) }

        let names = ScenarioNames(
            groups: scenario.groups.map(\.name), marks: scenario.chaos == nil ? [] : [ChaosModel.peace])
        scenario.steps = fields["steps"].list(atMost: stepsAllowed) { item in
            item.object { Step.decode($0, names, of: scenario) }
        }
        scenario.expectations = fields["expect"].list(atLeast: 1, atMost: expectationsAllowed) { item in
            item.object { Expectation.decode($0, names, runSeconds: scenario.runSeconds) }
        }
        return scenario
    }

    /// A list of nodes by index, each once.
    static func nodes(_ cursor: ConfigurationCursor, of count: Int, atMost: Int) -> [Int] {
        let indices = UniqueNames()
        return cursor.list(atMost: atMost) { item in
            let index = item.integer(in: 0...(count - 1))
            indices.claim("\(index)", by: item)
            return index
        }
    }
}

extension RecordModel {
    static func decode(_ cursor: ConfigurationCursor) -> RecordModel {
        cursor.objectOrDefaults { fields in
            var model = RecordModel()
            model.catalogBytes = fields["catalogBytes"].size(in: 128...65_536, default: model.catalogBytes)
            model.identityBytes = fields["identityBytes"].size(in: 128...65_536, default: model.identityBytes)
            model.loadBytes = fields["loadBytes"].size(in: 128...65_536, default: model.loadBytes)
            model.loadEverySeconds = fields["loadEverySeconds"].optional { $0.number(in: 0.1...86_400, unit: "seconds") }
            model.certificateSeconds = fields["certificateSeconds"].duration(
                in: 60...1e9, default: model.certificateSeconds)
            if fields["renewedAfter"].isPresent {
                let part = fields["renewedAfter"].number(in: 0...0.95)
                model.renewedAfter = part > 0 ? part : nil
            }
            return model
        }
    }
}

extension ChaosModel {
    static func decode(_ cursor: ConfigurationCursor, runSeconds: Double) -> ChaosModel {
        cursor.object { fields in
            let from = fields["fromSeconds"].duration(in: 0...runSeconds, default: 0)
            return ChaosModel(
                fromSeconds: from,
                toSeconds: fields["toSeconds"].number(in: min(from, runSeconds)...runSeconds, unit: "seconds"),
                count: fields["count"].integer(in: 1...10_000))
        }
    }
}
