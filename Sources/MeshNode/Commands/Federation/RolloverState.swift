/// How far a root rollover has come, as the nodes themselves say in their signed records: the ground on which it goes on or is
/// refused. Pure.
struct RolloverState {
    enum Phase: String {
        /// None is under way.
        case none
        /// The new root was made, and not every node that is alive trusts it yet.
        case widening
        /// Every node that is alive trusts both roots.
        case widened
        /// Certificates come from the new root, and not every node has one yet.
        case switching
        /// Every node that is alive has a certificate under the new root.
        case switched
    }

    let phase: Phase
    /// Alive, and not there yet.
    let missing: [String]
    /// Not alive, and not there when last heard of.
    let away: [String]

    /// - Parameters:
    ///   - next: SHA-256 of the new root in hexadecimal; nil: there is none.
    init(_ answer: FederationAnswer, next: String?) {
        guard let next else {
            self.init(.none)
            return
        }
        let bundle = answer.bundle
        guard bundle.roots.contains(where: { $0.sha256 == next }), bundle.roots.count > 1 || bundle.renewBefore != nil else {
            self.init(.widening, answer.members)
            return
        }
        let behind = answer.members.filter { $0.bundle < bundle.serial }
        guard bundle.renewBefore != nil else {
            self.init(behind.contains(where: \.isAlive) ? .widening : .widened, behind)
            return
        }
        let old = answer.members.filter { $0.root != next || $0.bundle < bundle.serial }
        self.init(old.contains(where: \.isAlive) ? .switching : .switched, old)
    }

    private init(_ phase: Phase, _ behind: [FederationAnswer.Member] = []) {
        self.phase = phase
        missing = behind.filter(\.isAlive).map(\.name)
        away = behind.filter { !$0.isAlive && $0.state != "left" }.map(\.name)
    }

    /// What is to be done next.
    var advice: String {
        switch phase {
        case .none: "no rollover is under way; start one: meshnode federation rollover start"
        case .widening: "wait until every node has acknowledged both roots: \(missing.joined(separator: ", ")) has not"
        case .widened: "every node has acknowledged both roots; go on: meshnode federation rollover switch"
        case .switching: "wait until every node is certified under the new root: \(missing.joined(separator: ", ")) is not"
        case .switched: "every node is certified under the new root; go on: meshnode federation rollover finish"
        }
    }
}
