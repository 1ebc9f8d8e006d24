import Gossip
import Routing

/// What policy says of one place where a request could run.
struct PolicyVerdict {
    let candidate: Candidate
    let refusal: String?

    var isAllowed: Bool { refusal == nil }

    /// - Parameter entryRefusal: of this node's own rule for whatever comes to it.
    init(of candidate: Candidate, _ needs: RequestNeeds, _ choice: Choice, entryRefusal: AccessRefusal?) {
        self.candidate = candidate
        if let entryRefusal {
            refusal = entryRefusal.description
        } else if !candidate.isLocal, candidate.variant.policy == "local" {
            refusal = Exclusion.localOnly.description
        } else {
            refusal = choice.policyExclusion(of: candidate, for: needs)?.description
        }
    }

    /// Why, in words.
    var reason: String {
        if let refusal { return refusal }
        let way = candidate.variant.path?.words ?? "takes a way that its site does not tell"
        return "a request there \(way)" + (candidate.isAway ? ", by way of the mesh" : "")
    }

    func write(to list: inout JSONWriter) {
        list.object {
            $0.field("site", candidate.node.site)
            $0.field("node", candidate.node.node)
            $0.field("allowed", isAllowed)
            $0.field("reason", reason)
            $0.field("state", candidate.state.rawValue)
            $0.field("path", candidate.variant.path?.rawValue)
            $0.field("viaPeer", candidate.isAway)
            $0.field("dataClasses", candidate.variant.dataClasses)
            $0.field("highAssurance", candidate.variant.highAssurance)
            $0.field("api", candidate.api)
        }
    }
}
