import Globus
import Gossip
import Synchronization
public import Transport

/// How the status function is asked for the models of one endpoint.
public struct StatusOrder: Sendable {
    /// UUIDs of the endpoint that runs it and, once registered, of the function.
    public var endpoint: String
    public var function: @Sendable () -> String?
    /// Its order, a JSON object.
    public var orderJSON: String
    public var intervalSeconds: Double

    public init(
        endpoint: String, function: @escaping @Sendable () -> String?, orderJSON: String, intervalSeconds: Double
    ) {
        self.endpoint = endpoint
        self.function = function
        self.orderJSON = orderJSON
        self.intervalSeconds = intervalSeconds
    }
}

/// Watches the models behind one Globus Compute endpoint.
public final class EndpointWatch: Sendable {
    private let backend: GlobusBackend
    private let models: [LocalModel]
    private let status: StatusOrder?
    private let interval: UInt64
    private let changed: @Sendable () -> Void
    private let log: @Sendable (String) -> Void
    private let reports = Mutex<[String: EndpointJudgement.Report]>([:])

    /// - Parameters:
    ///   - models: those of `backend`'s endpoint.
    ///   - status: nil: the endpoint's own word and our requests must do.
    ///   - interval: nanoseconds between two looks; what the service told is kept for a minute whatever this is.
    ///   - changed: called after each look that changed what the catalog says, and after the first.
    public init(
        backend: GlobusBackend, models: [LocalModel], status: StatusOrder?, interval: UInt64,
        changed: @escaping @Sendable () -> Void, log: @escaping @Sendable (String) -> Void
    ) {
        self.backend = backend
        self.models = models
        self.status = status
        self.interval = interval
        self.changed = changed
        self.log = log
    }

    /// Watches until the program ends.
    public func start(on worker: Worker) {
        worker.spawn { context in await self.watch(context.loop) }
        guard let status else { return }
        worker.spawn { context in await self.ask(status, context.loop) }
    }

    private func watch(_ loop: Loop) async {
        let alarm = Alarm(loop: loop)
        var isFirst = true
        while true {
            let endpoint = await look()
            var isNew = isFirst
            isFirst = false
            let own = backend.observed.summary
            for model in models {
                let judgement = EndpointJudgement(
                    endpoint: endpoint, report: reports.withLock { $0[model.upstreamModel] ?? $0[model.id] }, own: own)
                if model.observe(judgement.observation) { isNew = true }
            }
            if isNew { changed() }
            await alarm.sleep(nanoseconds: interval)
        }
    }

    private func look() async -> EndpointJudgement.Endpoint {
        do throws(ComputeFailure) {
            let status = try await backend.service.status(of: backend.settings.endpoint)
            guard status.isOnline else { return .offline }
            return .online(managers: status.managers, waiting: (status.pendingTasks ?? 0) + (status.outstandingTasks ?? 0))
        } catch {
            log("the status of endpoint \(backend.settings.endpoint) cannot be had: \(error.message)")
            return .unknown
        }
    }

    // MARK: The status function

    private func ask(_ status: StatusOrder, _ loop: Loop) async {
        let alarm = Alarm(loop: loop)
        while true {
            if let function = status.function(), let found = await reports(from: function, status) {
                reports.withLock { $0 = found }
                await alarm.sleep(nanoseconds: UInt64(status.intervalSeconds * 1e9))
            } else {
                await alarm.sleep(nanoseconds: 5_000_000_000)
            }
        }
    }

    private func reports(from function: String, _ status: StatusOrder) async -> [String: EndpointJudgement.Report]? {
        let order = ComputeOrder(
            endpoint: status.endpoint, function: function,
            arguments: TaskArguments.encode(rawArgumentsJSON: "[" + status.orderJSON + "]"),
            endpointConfig: status.endpoint == backend.settings.endpoint ? backend.settings.endpointConfig : nil,
            resourceSpecification: nil, userRuntime: backend.settings.userRuntime, deadlineSeconds: 120)
        do throws(ComputeFailure) {
            let outcome = await (try backend.service.submit(order)).outcome()
            guard case .result(let serialized, _) = outcome, let value = try? TaskResult.decode(serialized) else {
                log("the status function of endpoint \(status.endpoint) brought no report")
                return nil
            }
            return Self.read(value)
        } catch {
            log("the status function of endpoint \(status.endpoint) could not be submitted: \(error.message)")
            return nil
        }
    }

    /// What `status.py` returns, by model; at most 256.
    static func read(_ value: WireValue) -> [String: EndpointJudgement.Report] {
        var found: [String: EndpointJudgement.Report] = [:]
        for item in value["models"]?.items?.prefix(256) ?? [] {
            guard let id = item["id"]?.text, let state = item["state"]?.text.flatMap({ ModelState(rawValue: $0) }) else {
                continue
            }
            found[id] = EndpointJudgement.Report(
                state: state, etaSeconds: item["etaSeconds"]?.number.map { max(0, $0) },
                walltimeRemainingSeconds: item["walltimeRemainingSeconds"]?.number.map { max(0, $0) },
                reason: item["reason"]?.text.map { String($0.prefix(200)) })
        }
        return found
    }
}
