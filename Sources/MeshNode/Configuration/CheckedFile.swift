import Simulation

/// A file of any kind, for `meshnode check`.
enum CheckedFile: Equatable, Sendable {
    case node(NodeConfiguration)
    case topology(Topology)
    case scenario(Scenario)
    case study(RoutingStudy)

    /// Reads a file as what its keys show it to be: a scenario has `scenario`, a study `study`, a topology `sites`, a node's
    /// configuration none of them. The files that it names must be readable.
    static func load(path: String) throws(ConfigurationErrors) -> CheckedFile {
        try Decoding.decode(path: path, validatingFiles: true) { fields in
            if fields.holds("scenario") { return .scenario(Scenario.decode(fields)) }
            if fields.holds("study") { return .study(RoutingStudy.decode(fields)) }
            return fields.holds("sites") ? .topology(Topology.decode(fields)) : .node(NodeConfiguration.decode(fields))
        }
    }
}
