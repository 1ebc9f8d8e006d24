import Simulation

/// A file for `meshnode simulate`.
enum SimulatedFile: Sendable {
    case scenario(Scenario)
    case study(RoutingStudy)

    /// Reads a file as what its keys show it to be: a study has `study`.
    static func load(path: String) throws(ConfigurationErrors) -> SimulatedFile {
        try Decoding.decode(path: path, validatingFiles: false) { fields in
            fields.holds("study") ? .study(RoutingStudy.decode(fields)) : .scenario(Scenario.decode(fields))
        }
    }
}
