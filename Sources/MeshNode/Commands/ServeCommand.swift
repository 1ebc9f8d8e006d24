import Simulation

/// `meshnode serve --config node.json5`: runs one node until a signal ends it.
enum ServeCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let node = try Node(try load(invocation.text(.config) ?? ""))
        node.runUntilSignal()
    }

    /// The configuration, and FIPS as it says: before anything else uses OpenSSL.
    static func load(_ path: String) throws(CommandFailure) -> NodeConfiguration {
        let configuration = try read(path)
        if configuration.fips == .required { try FIPSRequirement.enforce() }
        return configuration
    }

    /// The configuration alone.
    static func read(_ path: String) throws(CommandFailure) -> NodeConfiguration {
        do throws(ConfigurationErrors) {
            return try NodeConfiguration.load(path: path)
        } catch { throw CommandFailure(exitCode: 2, message: error.description) }
    }
}

/// `meshnode check FILE`: says what is wrong with a configuration, topology, scenario or study.
enum CheckCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        if invocation.flag(.policy) { return try PolicyCommand.run(invocation) }
        for option in [OptionSpecification.asUser, .policyModel, .domain, .node] where invocation.text(option) != nil {
            throw CommandFailure(exitCode: 2, message: "check: \(option.name) goes with --policy")
        }
        guard let path = invocation.positional(CommandSpecification.file) else {
            throw CommandFailure(exitCode: 2, message: "check: FILE is missing: \(CommandSpecification.file.summary)")
        }
        do throws(ConfigurationErrors) {
            let file = try CheckedFile.load(path: path)
            if invocation.flag(.json) {
                Output.write(#"{"errors":[]}"# + "\n")
                return
            }
            switch file {
            case .node(let node):
                Output.write(
                    "\(path): a node of \(node.federation): \(node.site)/\(node.node), \(node.models.count) models\n")
            case .topology(let topology):
                Output.write("\(path): a topology: federation \(topology.federation), \(topology.sites.count) sites\n")
            case .scenario(let scenario):
                let seconds = ConfigurationCursor.text(of: scenario.runSeconds)
                Output.write("\(path): a scenario: \(scenario.name), \(scenario.nodes) nodes for \(seconds) s\n")
            case .study(let study):
                let sites = study.sites.reduce(0) { $0 + $1.count }
                Output.write("\(path): a study: \(study.name), \(study.placements.count) placements at \(sites) sites\n")
            }
        } catch {
            if invocation.flag(.json) { Output.write(error.json + "\n") }
            throw CommandFailure(exitCode: 2, message: error.description)
        }
    }
}
