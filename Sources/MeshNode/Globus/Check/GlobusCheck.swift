import CLinux
import Globus
import Routing

/// Tries what a request through Globus Compute needs, one thing after the other: the client's token, each endpoint's state, the
/// functions that it allows, a task that does nothing, and one token of each model.
struct GlobusCheck: Sendable {
    let site: GlobusSite
    let compute: GlobusComputeConfiguration
    let models: [Model]
    /// For one task: a site may first have to start a node for it.
    let taskSeconds: Double

    /// A model behind Globus Compute, as configured and as the node would run it.
    struct Model: Sendable {
        let model: ModelConfiguration
        let globus: GlobusComputeBackend
        let backend: GlobusBackend
        var name: String { globus.upstreamModel ?? model.id }
    }

    /// - Parameter report: takes each step when it is done.
    /// - Returns: whether every step did what it should. What makes no sense after a step that failed is left out.
    func run(_ report: (CheckStep) -> Void) -> Bool {
        guard step("token", "client \(compute.clientID)", report, { () async throws(CheckFailure) in try await token() })
        else { return false }
        var seen: Set<String> = []
        var failed: Set<String> = []
        for model in models {
            let endpoint = model.globus.endpoint
            func attempt(_ name: String, _ of: String, _ body: @escaping @Sendable () async throws(CheckFailure) -> String) {
                guard !failed.contains(endpoint) else { return }
                if !step(name, of, report, body) { failed.insert(endpoint) }
            }
            if seen.insert(endpoint).inserted {
                let wanted = functions(at: endpoint)
                attempt("endpoint", endpoint) { () async throws(CheckFailure) in try await state(of: endpoint) }
                attempt("functions", endpoint) { () async throws(CheckFailure) in try await allowance(of: endpoint, wanted) }
            }
            // Each configuration of a templated endpoint is a process of its own.
            if model.globus.style == .meshnode, seen.insert("\(endpoint) \(model.globus.endpointConfig ?? "")").inserted {
                attempt("task", endpoint) { () async throws(CheckFailure) in try await probe(model) }
            }
            attempt("inference", model.model.id) { () async throws(CheckFailure) in try await infer(model) }
        }
        return failed.isEmpty
    }

    private func step(
        _ name: String, _ of: String, _ report: (CheckStep) -> Void,
        _ body: @escaping @Sendable () async throws(CheckFailure) -> String
    ) -> Bool {
        let began = mesh_monotonic_ns()
        func done(_ ok: Bool, _ says: String, _ advice: String?) -> Bool {
            let milliseconds = ((mesh_monotonic_ns() - began) + 500_000) / 1_000_000
            report(CheckStep(step: name, of: of, ok: ok, seconds: Double(milliseconds) / 1000, says: says, advice: advice))
            return ok
        }
        do throws(CheckFailure) {
            return done(true, try Blocking.run(body), nil)
        } catch { return done(false, error.says, error.advice) }
    }

    /// The functions that the models of an endpoint need.
    private func functions(at endpoint: String) -> [String] {
        models.filter { $0.globus.endpoint == endpoint }.compactMap(\.backend.function).reduce(into: []) {
            if !$0.contains($1) { $0.append($1) }
        }
    }
}
