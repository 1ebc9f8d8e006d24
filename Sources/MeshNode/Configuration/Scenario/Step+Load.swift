import Gossip
import Simulation

extension Step {
    /// What a step does, as files write it.
    enum Kind: String, CaseIterable {
        case start, crash, leave, pause, resume, slow, clock, publish, storm, partition, cut, clog, unclog, heal, network
        case diskFull, damageDisk, renew, trust, version, misbehave, mark
    }

    static func decode(_ fields: ConfigurationFields, _ names: ScenarioNames, of scenario: Scenario) -> Step {
        let at = fields["atSeconds"].number(in: 0...scenario.runSeconds, unit: "seconds")
        guard let kind = fields["do"].enumeration(Kind.self) else {
            // Which keys are right is not known without a kind: one error is enough.
            fields.ignoreUnknown()
            return Step(at: at, .heal)
        }
        return Step(at: at, action(kind, fields, names, scenario))
    }

    private static func action(
        _ kind: Kind, _ fields: ConfigurationFields, _ names: ScenarioNames, _ scenario: Scenario
    ) -> Action {
        func group() -> String { names.group(fields["group"]) }
        switch kind {
        case .start: return .start(group(), disk: fields["disk"].enumeration(Disk.self, default: .kept))
        case .crash: return .crash(group(), isSilent: fields["silent"].boolean(default: false))
        case .leave: return .leave(group())
        case .pause: return .pause(group())
        case .resume: return .resume(group())
        case .slow:
            let seconds = fields["seconds"].optional { $0.span(in: 0...600, unit: "seconds", default: 0...0) }
            return .slow(group(), seconds: seconds)
        case .clock:
            return .clock(
                group(), offsetSeconds: fields["offsetSeconds"].number(in: -1e9...1e9, unit: "seconds", default: 0),
                driftPartsPerMillion: fields["driftPartsPerMillion"].number(in: -100_000...100_000, default: 0))
        case .publish:
            return .publish(
                group(), fields["what"].enumeration(Publication.self, default: .catalog),
                mark: fields["mark"].optional(names.newMark))
        case .storm:
            return .storm(
                group(), everySeconds: fields["everySeconds"].number(in: 0.01...3600, unit: "seconds"),
                forSeconds: fields["forSeconds"].number(in: 0.01...scenario.runSeconds, unit: "seconds"))
        case .partition:
            let claimed = UniqueNames()
            return .partition(
                fields["groups"].list(atLeast: 2, atMost: NodeGroup.groupsAllowed) { item in
                    let name = names.group(item)
                    claimed.claim(name, by: item)
                    return name
                })
        case .cut: return .cut(from: names.group(fields["from"]), to: names.group(fields["to"]))
        case .clog: return .clog(group(), true)
        case .unclog: return .clog(group(), false)
        case .heal: return .heal
        case .network: return .network(NetworkModel.decode(fields["network"], from: scenario.network))
        case .diskFull: return .diskFull(group(), fields["full"].boolean(default: true))
        case .damageDisk: return .damageDisk(group())
        case .renew: return .renew(group(), underNewRoot: fields["underNewRoot"].boolean(default: false))
        case .trust:
            return .trust(
                group(), oldRoot: fields["oldRoot"].boolean(default: true),
                newRoot: fields["newRoot"].boolean(default: true))
        case .version:
            let versions = Int(WireLimits.versions.lowerBound)...Int(WireLimits.versions.upperBound)
            return .version(group(), UInt8(fields["version"].integer(in: versions)))
        case .misbehave: return .misbehave(group(), fields["how"].optional { $0.enumeration(Misbehaviour.self) ?? .forge })
        case .mark: return .mark(names.newMark(fields["name"]))
        }
    }
}
