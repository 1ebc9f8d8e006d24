import FoundationEssentials
import Gossip
import Transport

/// One look at an inference server: is it well, which models has it, how busy is it.
struct ServerPoll {
    /// What the server said of itself and of its models, by their name there.
    struct Report {
        var models: [String: Observation] = [:]
        /// What holds for models that the server does not list.
        var absent: ModelState
        /// Requests it runs and holds in line, also those that did not come through this node.
        var running: Int?
        var waiting: Int?
    }

    let pool: ConnectionPool
    let server: InferenceServer
    /// Monotonic nanoseconds for each request.
    let deadline: UInt64

    /// What a server may say at most.
    private static let answerBytes = 4 << 20

    func run() async -> Report {
        do throws(TransportError) {
            let health = try await get("/health")
            if health.status == 503 { return Report(absent: stated(health) ?? .starting) }
            if health.status >= 500 { return Report(absent: .failed) }
            let list = try await get("/v1/models")
            if list.status == 503 { return Report(absent: .starting) }
            if list.status == 401 { server.tell("the server refuses this site's key") }
            guard list.status == 200, let models = try? JSONDecoder().decode(ModelList.self, from: Data(list.body)) else {
                return Report(absent: .failed)
            }
            var report = Report(absent: stated(health) ?? .stopped)
            for card in models.data { report.models[card.id] = observation(card) }
            try await addProperties(models, &report)
            try await addLoad(&report)
            return report
        } catch {
            // What only people can mend.
            if error.isRefusal { server.tell("the server cannot be reached: \(error.message)") }
            return Report(absent: .offline)
        }
    }

    /// The state that a server names in its health answer, where it has a word for it that is ours too.
    private func stated(_ health: HTTPAnswer) -> ModelState? {
        let status = try? JSONDecoder().decode(Health.self, from: Data(health.body)).status
        let state = status.flatMap { ModelState(rawValue: $0) }
        return state == .running ? nil : state
    }

    /// Shows another key where the first is refused.
    private func get(_ path: String) async throws(TransportError) -> HTTPAnswer {
        await server.credential?.prepare()
        let shown = server.authorization
        let answer = try await ask(path)
        guard answer.status == 401, let credential = server.credential, await credential.renew(refused: shown) else {
            return answer
        }
        return try await ask(path)
    }

    private func ask(_ path: String) async throws(TransportError) -> HTTPAnswer {
        var fields: [(StaticString, String)] = [("Accept", "*/*")]
        if let authorization = server.authorization { fields.append(("Authorization", authorization)) }
        return try await pool.request(
            server.upstream, target: server.basePath + path, fields: fields, limit: Self.answerBytes, deadline: deadline)
    }

    private func observation(_ card: ModelList.Card) -> Observation {
        var seen = Observation(state: .running)
        seen.contextTokens = card.max_model_len ?? card.meta?.n_ctx
        seen.repository = card.root.flatMap { $0 == card.id ? nil : $0 }
        switch card.owned_by {
        case "llamacpp":
            seen.engine = "llama.cpp"
            seen.dtype = card.meta?.ftype
        case "vllm": seen.engine = "vLLM"
        case "sglang": seen.engine = "SGLang"
        case "meshnode-simulation": seen.engine = "simulated"
        default: break
        }
        return seen
    }

    /// llama.cpp, and the stand-in, tell their slots at `/props`, vLLM its version at `/version`.
    private func addProperties(_ models: ModelList, _ report: inout Report) async throws(TransportError) {
        guard let owner = models.data.first?.owned_by else { return }
        if owner == "llamacpp" || owner == "meshnode-simulation" {
            let answer = try await get("/props")
            guard answer.status == 200, let properties = try? JSONDecoder().decode(Properties.self, from: Data(answer.body))
            else { return }
            for id in report.models.keys {
                report.models[id]?.slots = properties.total_slots
                if let context = properties.default_generation_settings?.n_ctx { report.models[id]?.contextTokens = context }
            }
        }
        if owner == "vllm" {
            let answer = try await get("/version")
            guard answer.status == 200, let version = try? JSONDecoder().decode(Version.self, from: Data(answer.body)) else {
                return
            }
            for id in report.models.keys { report.models[id]?.engineVersion = version.version }
        }
    }

    private func addLoad(_ report: inout Report) async throws(TransportError) {
        let answer = try await get("/metrics")
        guard answer.status == 200 else { return }
        let gauges = PrometheusGauges(
            answer.body,
            names: [
                "vllm:num_requests_running", "vllm:num_requests_waiting", "llamacpp:requests_processing",
                "llamacpp:requests_deferred",
            ])
        report.running = gauges["vllm:num_requests_running"] ?? gauges["llamacpp:requests_processing"]
        report.waiting = gauges["vllm:num_requests_waiting"] ?? gauges["llamacpp:requests_deferred"]
    }

    // The servers' own names.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct ModelList: Decodable {
        struct Card: Decodable {
            struct Meta: Decodable {
                var n_ctx: Int?
                var ftype: String?
            }
            var id: String
            var owned_by: String?
            var root: String?
            var max_model_len: Int?
            var meta: Meta?
        }
        var data: [Card]
    }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct Properties: Decodable {
        struct Generation: Decodable { var n_ctx: Int? }
        var total_slots: Int?
        var default_generation_settings: Generation?
    }

    private struct Health: Decodable { var status: String }
    private struct Version: Decodable { var version: String }
}

/// Some gauges out of Prometheus' text format, each summed over its labels.
struct PrometheusGauges {
    private var sums: [String: Double] = [:]

    init(_ text: [UInt8], names: Set<String>) {
        for line in text.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
            let end = line.firstIndex { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: " ") } ?? line.endIndex
            let name = String(decoding: line[..<end], as: UTF8.self)
            guard names.contains(name), let space = line.lastIndex(of: UInt8(ascii: " ")),
                let value = Double(String(decoding: line[line.index(after: space)...], as: UTF8.self)), value.isFinite
            else { continue }
            sums[name, default: 0] += value
        }
    }

    subscript(name: String) -> Int? { sums[name].map { Int(min(max($0, 0), 1e9)) } }
}
