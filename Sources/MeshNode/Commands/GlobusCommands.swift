import API
import Globus
import Trust

/// `meshnode globus register`: our functions at Globus Compute, once; their ids are kept for the node.
enum GlobusRegisterCommand {
    private struct Registered: Encodable {
        var name: String
        var id: String
        /// False where it was registered before.
        var new: Bool
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let (configuration, compute) = try GlobusCommand.load(invocation)
        let isPublic = invocation.flag(.isPublic)
        let group = invocation.text(.group)
        guard !isPublic || group == nil else {
            throw CommandFailure(exitCode: 2, message: "globus register: --public and --group exclude each other")
        }
        let site = try GlobusCommand.site(configuration, compute)
        let store = FunctionStore(stateDirectory: configuration.stateDirectory)
        try GlobusCommand.makeDirectory(configuration.stateDirectory)
        var rows: [Registered] = []
        let isOffered = configuration.models.contains(where: \.isOffered)
        for kind in [FunctionStore.Function.inference, .status] {
            // As the node itself would register it, so that it finds what is registered here.
            let function = isPublic || isOffered && kind.name == FunctionStore.Function.inference.name ? kind.opened : kind
            if !invocation.flag(.force), let known = store.identifier(of: function) {
                rows.append(Registered(name: function.name, id: known, new: false))
                continue
            }
            let registration = function.registration(
                invocation.flag(.oldWorkers) ? .dillSource : .pureSource, group: group)
            let service = site.service
            let id: String
            do throws(ComputeFailure) {
                id = try Blocking.run { () async throws(ComputeFailure) in try await service.register(registration) }
            } catch { throw CommandFailure(exitCode: 1, message: "\(function.name) is not registered: \(error.message)") }
            try store.keep(id, for: function)
            // The newest serves where openness is not needed too, in place of an older one.
            if isPublic { try store.keep(id, for: kind) }
            rows.append(Registered(name: function.name, id: id, new: true))
        }
        if invocation.flag(.json) { return Output.write(try encode(["functions": rows])) }
        var table = Table(["FUNCTION", "ID", ""])
        for row in rows {
            table.add([row.name, row.id, row.new ? "registered" : "registered before; --force does it anew"])
        }
        Output.write(table.text + "An endpoint with a list of allowed_functions needs these ids in it.\n")
    }
}

/// `meshnode globus check`: each step of a request through Globus Compute, with its time.
enum GlobusCheckCommand {
    private struct Answer: Encodable {
        var ok: Bool
        var steps: [CheckStep]
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let (configuration, compute) = try GlobusCommand.load(invocation)
        let site = try GlobusCommand.site(configuration, compute)
        let models = configuration.models.compactMap { model -> GlobusCheck.Model? in
            guard case .globusCompute(let globus) = model.backend else { return nil }
            return GlobusCheck.Model(model: model, globus: globus, backend: site.backend(model, globus))
        }
        let check = GlobusCheck(
            site: site, compute: compute, models: models, taskSeconds: invocation.number(.taskTimeout) ?? 300)
        var steps: [CheckStep] = []
        let isGood = check.run { step in
            steps.append(step)
            if !invocation.flag(.json) { Output.write(step.text) }
        }
        if invocation.flag(.json) { Output.write(try encode(Answer(ok: isGood, steps: steps))) }
        let failed = steps.filter { !$0.ok }.count
        guard isGood else {
            throw CommandFailure(exitCode: 1, message: "\(failed) of \(steps.count) steps failed")
        }
        if models.isEmpty { Output.note("no model of this configuration is behind Globus Compute") }
    }
}

/// What both commands begin with.
private enum GlobusCommand {
    static func load(_ invocation: Invocation) throws(CommandFailure) -> (NodeConfiguration, GlobusComputeConfiguration) {
        let path = invocation.text(.config) ?? ""
        let configuration = try ServeCommand.load(path)
        guard let compute = configuration.globusCompute else {
            throw CommandFailure(exitCode: 2, message: "\(path) has no globusCompute: docs/globus.md shows one")
        }
        return (configuration, compute)
    }

    static func site(
        _ configuration: NodeConfiguration, _ compute: GlobusComputeConfiguration
    ) throws(CommandFailure) -> GlobusSite {
        let scheme = configuration.tls == nil ? "http" : "https"
        let log = Logger(level: .error, json: false, source: "globus")
        return try GlobusSite(
            configuration, compute, apiURL: configuration.advertise.api ?? "\(scheme)://\(configuration.listen.api)",
            log: log)
    }

    static func makeDirectory(_ path: String) throws(CommandFailure) {
        do {
            try SecretFile.makeDirectory(path)
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
    }
}
