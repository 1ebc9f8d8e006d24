import CLinux
import Globus
import Gossip
import Transport

/// One look at the models of a cluster behind a FIRST gateway.
struct FirstPoll {
    let pool: ConnectionPool
    let server: InferenceServer
    let gateway: FirstGateway
    /// What the gateway calls the models that matter.
    let wanted: Set<String>
    /// Monotonic nanoseconds for each request.
    let deadline: UInt64

    /// What a gateway may say at most.
    private static let answerBytes = 4 << 20

    func run() async -> ServerPoll.Report {
        do throws(TransportError) {
            // The only route that tells maintenance of a cluster before anything else, and without a token.
            let status = try await get("/status", withToken: false)
            if status.status == 503 { return ServerPoll.Report(absent: .maintenance) }
            if status.status == 200, (try? WireJSON.parse(status.body))?[gateway.cluster]?.truth == false {
                return ServerPoll.Report(absent: .maintenance)
            }
            return try await states()
        } catch {
            return ServerPoll.Report(absent: .offline)
        }
    }

    private func states() async throws(TransportError) -> ServerPoll.Report {
        let answer = try await getWithToken("/\(gateway.cluster)/jobs")
        if let state = state(told: answer, of: "the jobs of \(gateway.cluster)") { return ServerPoll.Report(absent: state) }
        let jobs =
            answer.status == 200
            ? FirstJobs(
                answer.body, framework: gateway.framework, walltimeSeconds: gateway.walltimeSeconds,
                nowSeconds: Double(mesh_realtime_ns()) / 1e9) : nil
        // Without its jobs a model's state is not known; that it is listed says nothing.
        var report = ServerPoll.Report(absent: jobs == nil ? .unknown : .failed)
        report.models = jobs?.models ?? [:]
        let missing = wanted.subtracting(report.models.keys)
        if jobs == nil {
            server.tell("the FIRST gateway did not tell the jobs of \(gateway.cluster): \(Self.words(answer))")
        } else if !missing.isEmpty {
            try await addListed(missing, &report)
        }
        return report
    }

    /// A model in no job is stopped if the gateway has it at all: clusters list only what runs or waits.
    private func addListed(_ missing: Set<String>, _ report: inout ServerPoll.Report) async throws(TransportError) {
        let answer = try await getWithToken("/list-endpoints")
        if let state = state(told: answer, of: "the list of models") {
            report.absent = state
            return
        }
        guard answer.status == 200,
            let listing = FirstListing(answer.body, cluster: gateway.cluster, framework: gateway.framework)
        else {
            report.absent = .unknown
            return server.tell("the FIRST gateway did not tell its models: \(Self.words(answer))")
        }
        for model in missing {
            if listing.models?.contains(model) == true {
                report.models[model] = Observation(state: .stopped)
            } else {
                server.tell(
                    "the FIRST gateway does not list \(model) at \(gateway.cluster)/\(gateway.framework) for this site's account"
                )
            }
        }
    }

    /// What an answer that is no list says of all models there; nil: nothing.
    private func state(told answer: HTTPAnswer, of what: String) -> ModelState? {
        switch answer.status {
        case 503: return .maintenance
        case 401, 403:
            server.tell("the FIRST gateway refuses this site's account \(what): \(Self.words(answer))")
            return .failed
        case 404:
            server.tell("the FIRST gateway has no \(what): \(Self.words(answer))")
            return .failed
        default: return nil
        }
    }

    /// Shows another token where the first is refused.
    private func getWithToken(_ path: String) async throws(TransportError) -> HTTPAnswer {
        await server.credential?.prepare()
        let shown = server.authorization
        let answer = try await get(path, withToken: true)
        guard answer.status == 401, let credential = server.credential, await credential.renew(refused: shown) else {
            return answer
        }
        return try await get(path, withToken: true)
    }

    private func get(_ path: String, withToken: Bool) async throws(TransportError) -> HTTPAnswer {
        var fields: [(StaticString, String)] = [("Accept", "application/json")]
        if withToken, let authorization = server.authorization { fields.append(("Authorization", authorization)) }
        return try await pool.request(
            server.upstream, target: gateway.path + path, fields: fields, limit: Self.answerBytes, deadline: deadline)
    }

    /// The reason in an answer, for the log.
    private static func words(_ answer: HTTPAnswer) -> String {
        let error = FirstError(status: answer.status, body: answer.body)
        return "\(answer.status) \(error.message.prefix(300))"
    }
}
