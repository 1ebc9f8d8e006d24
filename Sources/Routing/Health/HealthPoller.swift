import Gossip
public import Transport

/// Watches one inference server: at an interval, and at once when its idle connection closes, which is how the death of a server on
/// this machine shows first.
public final class HealthPoller: Sendable {
    private let server: InferenceServer
    private let models: [LocalModel]
    private let interval: UInt64
    private let timeout: UInt64
    private let changed: @Sendable () -> Void

    /// - Parameters:
    ///   - interval: nanoseconds between two looks.
    ///   - timeout: nanoseconds for each request of a look.
    ///   - changed: called after each look that changed what the catalog says, and after the first.
    public init(
        server: InferenceServer, models: [LocalModel], interval: UInt64, timeout: UInt64,
        changed: @escaping @Sendable () -> Void
    ) {
        self.server = server
        self.models = models
        self.interval = interval
        self.timeout = timeout
        self.changed = changed
    }

    /// Watches until the program ends.
    public func start(on worker: Worker) {
        worker.spawn { context in await self.watch(context) }
    }

    private func look(_ context: WorkerContext) async -> ServerPoll.Report {
        let deadline = context.loop.now &+ timeout
        guard let gateway = server.gateway else {
            return await ServerPoll(pool: context.pool, server: server, deadline: deadline).run()
        }
        let poll = FirstPoll(
            pool: context.pool, server: server, gateway: gateway, wanted: Set(models.map(\.upstreamModel)),
            deadline: deadline)
        return await poll.run()
    }

    private func watch(_ context: WorkerContext) async {
        let alarm = Alarm(loop: context.loop)
        var isFirst = true
        while true {
            let report = await look(context)
            var isNew = isFirst
            isFirst = false
            for model in models {
                let seen = report.models[model.upstreamModel] ?? Observation(state: report.absent)
                if model.observe(seen) { isNew = true }
                model.observeLoad(running: report.running, waiting: report.waiting)
                model.attendTo()
            }
            if isNew { changed() }
            context.pool.onceIdleCloses(server.upstream) { alarm.ring() }
            await alarm.sleep(nanoseconds: interval)
        }
    }
}
