public import Gossip
public import Routing

/// Where policy lets requests of one user for one model run, and why not elsewhere: whatever the places are doing just now.
public struct PolicyReport {
    private let model: String
    private let needs: RequestNeeds
    private let verdicts: [PolicyVerdict]
    private let known: DataPolicy

    /// - Parameters:
    ///   - needs: with the user, and what their data asks.
    ///   - entryRefusal: by the entry node's own rule for whatever comes to it.
    ///   - known: the entry node's word on data.
    public init(
        model: String, candidates: [Candidate], needs: RequestNeeds, choice: Choice = Choice(), entryRefusal: AccessRefusal?,
        known: DataPolicy
    ) {
        self.model = model
        self.needs = needs
        self.known = known
        verdicts = candidates.map { PolicyVerdict(of: $0, needs, choice, entryRefusal: entryRefusal) }
    }

    /// The answer of `GET /v1/policy`.
    public var json: String {
        JSONWriter.object { root in
            root.field("model", model)
            root.field("user", needs.user?.identity.username)
            root.field("allowed", verdicts.contains(where: \.isAllowed))
            root.field("dataClasses", needs.data.classes)
            root.key("paths")
            root.names(needs.data.paths?.names)
            root.key("residency")
            root.names(needs.data.sites?.sorted())
            root.field("knownDataClasses", known.classes.map(\.name).sorted())
            root.key("sites")
            root.array { list in for verdict in verdicts { verdict.write(to: &list) } }
        }
    }
}

extension JSONWriter {
    /// nil: no bound, which is `null`.
    fileprivate mutating func names(_ names: [String]?) {
        guard let names else { return value(nil as String?) }
        array { writer in for name in names { writer.value(name) } }
    }
}
