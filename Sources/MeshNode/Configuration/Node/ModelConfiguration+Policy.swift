import Gossip

/// What data a model takes, by which way, and whether on another site's word.
struct ModelDataConfiguration: Equatable, Sendable {
    /// Takes no other site's word on who a user is.
    var highAssurance = false
    /// Labels of data that it accepts; each is one of the site's `data.classes`.
    var dataClasses: [String] = []
    /// The way that data takes to its backend; nil: that of the backend's kind.
    var path: DataPath?

    /// The fields stand in the model's own object, `path` in its backend's.
    static func decode(_ fields: ConfigurationFields) -> ModelDataConfiguration {
        let names = UniqueNames()
        return ModelDataConfiguration(
            highAssurance: fields["highAssurance"].truth(default: false),
            dataClasses: fields["dataClasses"].list(atMost: DataClass.allowed) { item in
                let name = item.label()
                names.claim(name, by: item)
                return name
            },
            path: fields["backend"].declaredPath)
    }

    func render(_ out: inout ConfigurationWriter) {
        if highAssurance { out.line("highAssurance: true,") }
        if !dataClasses.isEmpty { out.field("dataClasses", .texts(dataClasses)) }
    }

    /// Records what of it the site's policy makes senseless.
    func check(_ policy: DataPolicy, model: String, path: DataPath?, by cursor: ConfigurationCursor) {
        for name in dataClasses {
            guard let known = policy[name] else {
                cursor.fail(
                    "the model \(Quoting.excerpt(model)) accepts the data class \(Quoting.excerpt(name)), which data.classes "
                        + "does not define; allowed: \(Quoting.list(policy.classes.map(\.name)))")
                continue
            }
            guard let path, !known.paths.contains(path) else { continue }
            cursor.fail(
                "the model \(Quoting.excerpt(model)) accepts the data class \(Quoting.excerpt(name)), whose paths do not hold "
                    + "its own, \(path.rawValue): no such data could ever go to it")
        }
    }
}

extension BackendConfiguration {
    var kind: BackendKind {
        switch self {
        case .openAI: .openai
        case .globusCompute: .globusCompute
        case .simulated: .simulated
        case .first: .first
        }
    }

    /// Checks the `path` of a backend; whoever reads the model takes it.
    static func checkPath(_ fields: ConfigurationFields, kind: BackendKind) {
        guard fields["path"].isPresent, let path = fields["path"].enumeration(DataPath.self) else { return }
        if kind == .globusCompute, path != .globusCloud {
            fields["path"].fail(
                "found \(fields["path"].found), but every task goes through Globus Compute; allowed: \"globusCloud\"")
        }
    }
}

extension ConfigurationCursor {
    /// The `path` of the backend that is here, once its kind has checked it.
    var declaredPath: DataPath? {
        guard case .object(let members) = value?.content,
            case .string(let text) = members.first(where: { $0.key == "path" })?.value.content
        else { return nil }
        return DataPath(rawValue: text)
    }
}
