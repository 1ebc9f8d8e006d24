import Simulation

/// A file of any kind, for `meshnode check`.
enum CheckedFile: Equatable, Sendable {
    case node(NodeConfiguration)
    case topology(Topology)
    case scenario(Scenario)

    /// Reads a file as what its keys show it to be: a scenario has `scenario`, a topology `sites`, a node's configuration neither. The
    /// files that it names must be readable.
    static func load(path: String) throws(ConfigurationErrors) -> CheckedFile {
        try Decoding.decode(path: path, validatingFiles: true) { fields in
            if fields.holds("scenario") { return .scenario(Scenario.decode(fields)) }
            return fields.holds("sites") ? .topology(Topology.decode(fields)) : .node(NodeConfiguration.decode(fields))
        }
    }
}
