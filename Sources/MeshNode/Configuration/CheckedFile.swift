/// A file of either kind, for `meshnode check`.
enum CheckedFile: Equatable, Sendable {
    case node(NodeConfiguration)
    case topology(Topology)

    /// Reads a file as what its keys show it to be: a topology has `sites`, a node's configuration has not. The files
    /// that it names must be readable.
    static func load(path: String) throws(ConfigurationErrors) -> CheckedFile {
        try Decoding.decode(path: path, validatingFiles: true) { fields in
            fields.holds("sites") ? .topology(Topology.decode(fields)) : .node(NodeConfiguration.decode(fields))
        }
    }
}
