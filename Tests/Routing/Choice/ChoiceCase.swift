import Gossip

@testable import Routing

/// What tests of the choice are made of: moments in seconds, sites of ten slots.
enum ChoiceCase {
    static func at(_ seconds: Double) -> UInt64 { UInt64(seconds * 1e9) }

    /// A site that told of its load at second 1000.
    static func site(
        _ name: String, running: Int = 0, slots: Int = 10, local: Bool = false, roundTrip: Double = 0.05
    ) -> Candidate {
        let load = LiveLoad()
        if local {
            load.set(slots: slots, running: running, waiting: 0)
        } else {
            load.update(slots: slots, running: running, waiting: 0, now: at(1000))
        }
        load.setRoundTrip(seconds: roundTrip)
        return Candidate(
            node: NodeID(site: name, node: "n1"), isLocal: local, nodeState: .alive, isDraining: false,
            variant: Variant(id: "m", state: .running, backend: "openai"), load: load)
    }

    static func needs(_ edit: (inout RequestNeeds) -> Void) -> RequestNeeds {
        var needs = RequestNeeds(model: "m")
        edit(&needs)
        return needs
    }

    static func pick(
        _ candidates: [Candidate], _ needs: RequestNeeds, at seconds: Double = 1001, seed: UInt64 = 1
    ) -> Choice.Picked? {
        var random = SplitMix64(seed: seed)
        return Choice().pick(candidates, for: needs, now: at(seconds), random: &random)
    }
}
