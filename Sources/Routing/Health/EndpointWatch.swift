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
    /// By whose client and configuration the endpoint is asked.
    private let backend: GlobusBackend
    private let models: [(model: LocalModel, backend: GlobusBackend)]
    private let status: StatusOrder?
    private let interval: UInt64
    private let changed: @Sendable () -> Void
    private let log: @Sendable (String) -> Void
    private struct Known {
        var reports: [String: EndpointJudgement.Report] = [:]
        /// Monotonic nanoseconds.
        var reportedAt: UInt64 = 0
        var endpoint = EndpointJudgement.Endpoint.unknown
        var endpointAt: UInt64 = 0
    }
    private let known = Mutex(Known())

    /// Nanoseconds for which the service's last word holds while it cannot be asked.
    private static let endpointKept: UInt64 = 180_000_000_000
    /// Intervals for which a report holds while no newer one comes.
    private static let reportIntervals = 3.0

    /// - Parameters:
    ///   - backend: one of them: by its configuration the endpoint is asked.
    ///   - models: those behind one endpoint of Globus Compute; others are not watched.
    ///   - status: nil: the endpoint's own word and our requests must do.
    ///   - interval: nanoseconds between two looks; what the service told is kept for a minute whatever this is.
    ///   - changed: called after each look that changed what the catalog says, and after the first.
    public init(
        backend: GlobusBackend, models: [LocalModel], status: StatusOrder?, interval: UInt64,
        changed: @escaping @Sendable () -> Void, log: @escaping @Sendable (String) -> Void
    ) {
        self.backend = backend
        self.models = models.compactMap { model in
            if case .globus(let backend) = model.backend { (model, backend) } else { nil }
        }
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
            let endpoint = await look(now: loop.now)
            var isNew = isFirst
            isFirst = false
            for (model, backend) in models {
                let judgement = EndpointJudgement(
                    endpoint: endpoint, report: report(of: model, now: loop.now), own: backend.observed.summary)
                if model.observe(judgement.observation) { isNew = true }
                model.attendTo()
            }
            if isNew { changed() }
            await alarm.sleep(nanoseconds: interval)
        }
    }

    /// The service's word; while it cannot be asked its last one, for a while: one failed question takes no model out of service.
    private func look(now: UInt64) async -> EndpointJudgement.Endpoint {
        do throws(ComputeFailure) {
            let status = try await backend.service.status(of: backend.settings.endpoint)
            let found: EndpointJudgement.Endpoint =
                status.isOnline
                ? .online(managers: status.managers, waiting: (status.pendingTasks ?? 0) + (status.outstandingTasks ?? 0))
                : .offline
            known.withLock {
                $0.endpoint = found
                $0.endpointAt = now
            }
            return found
        } catch {
            log("the status of endpoint \(backend.settings.endpoint) cannot be had: \(error.message)")
            return known.withLock { now &- $0.endpointAt < Self.endpointKept ? $0.endpoint : .unknown }
        }
    }

    /// What the status function last said of a model, as long as that is not too old; its times count on.
    private func report(of model: LocalModel, now: UInt64) -> EndpointJudgement.Report? {
        guard let status else { return nil }
        let (found, at) = known.withLock { ($0.reports[model.upstreamModel] ?? $0.reports[model.id], $0.reportedAt) }
        let age = Double(now &- min(at, now)) / 1e9
        guard var report = found, age <= status.intervalSeconds * Self.reportIntervals + 120 else { return nil }
        report.walltimeRemainingSeconds = report.walltimeRemainingSeconds.map { max(0, $0 - age) }
        report.etaSeconds = report.etaSeconds.map { max(0, $0 - age) }
        return report
    }

    /// A task at an endpoint without a node would make it ask its scheduler for one, only to be asked how it is.
    private func wouldStartNodes(_ status: StatusOrder) -> Bool {
        guard status.endpoint == backend.settings.endpoint else { return false }
        if case .online(let managers, _) = known.withLock({ $0.endpoint }) { return managers == 0 }
        return true
    }

    // MARK: The status function

    private func ask(_ status: StatusOrder, _ loop: Loop) async {
        let alarm = Alarm(loop: loop)
        while true {
            guard let function = status.function(), !wouldStartNodes(status) else {
                await alarm.sleep(nanoseconds: 5_000_000_000)
                continue
            }
            if let found = await reports(from: function, status) {
                let now = loop.now
                known.withLock {
                    $0.reports = found
                    $0.reportedAt = now
                }
            }
            await alarm.sleep(nanoseconds: UInt64(status.intervalSeconds * 1e9))
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
            if case .result(let serialized, _) = outcome, let value = try? TaskResult.decode(serialized) {
                return Self.read(value)
            }
            var why = "its result is none that it returns"
            if case .failed(let text, _) = outcome { why = RemoteFailure(exceptionText: text).summary }
            if case .deadline = outcome { why = "it did not end in time" }
            if case .refused(let refusal) = outcome { why = refusal.message }
            log("the status function of endpoint \(status.endpoint) brought no report: \(why)")
            return nil
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
