/// `meshnode up topology/NAME.json5`: runs a federation on this machine until a signal ends it.
enum UpCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let topology = try load(invocation.positional(CommandSpecification.topology) ?? "")
        let supervisor = try Supervisor(
            topology,
            Supervisor.Options(
                stateDirectory: invocation.text(.state), readyFile: invocation.text(.readyFile),
                restarts: invocation.flag(.restart)))
        try supervisor.start()
        var text = "federation \(topology.federation) is ready\n"
        for node in supervisor.files.nodes { text += "  \(node.id)  API \(node.api)  console \(node.api)/mesh/console\n" }
        text += "certificates: \(supervisor.files.authorityFile)\n"
        if invocation.text(.readyFile) == nil {
            text += "tokens: user \(supervisor.files.tokens.user)  viewer \(supervisor.files.tokens.viewer)"
            text += "  operator \(supervisor.files.tokens.operate)\n"
        }
        Output.write(text + "Ctrl-C ends it all\n")
        do throws(CommandFailure) {
            try supervisor.runUntilSignal()
        } catch {
            supervisor.end()
            throw error
        }
        supervisor.end()
    }

    static func load(_ path: String) throws(CommandFailure) -> Topology {
        do throws(ConfigurationErrors) {
            return try Topology.load(path: path)
        } catch { throw CommandFailure(exitCode: 2, message: error.description) }
    }
}
