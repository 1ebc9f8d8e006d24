import Routing
import Transport

/// What the node asks its own servers and endpoints.
extension Node {
    /// Begins to watch over what the models run on, and publishes what changes.
    func watch(_ backends: Backends) {
        let mesh = mesh
        let worker = workers[0]
        for model in backends.models {
            let (id, router, log) = (model.id, router, log)
            model.attend(
                changed: { Task { await mesh.publishCatalog() } }, spawn: { worker.spawn($0) }, tells: { log.info($0) },
                mayStart: { router.mayStart(id) })
        }
        for (index, server) in backends.servers.enumerated() {
            let control = control
            let poller = HealthPoller(
                server: server, models: backends.models.filter { $0.runs(on: server) },
                interval: nanoseconds(configuration.health.intervalSeconds),
                timeout: nanoseconds(configuration.health.timeoutSeconds)
            ) {
                control.heard(index)
                Task { await mesh.publishCatalog() }
            }
            poller.start(on: workers[index % workers.count])
        }
        for (index, entry) in backends.endpoints.enumerated() {
            let control = control
            let log = log
            let watch = EndpointWatch(
                backend: entry.backend, models: entry.models, status: entry.status,
                interval: nanoseconds(configuration.health.intervalSeconds),
                changed: {
                    control.heard(backends.servers.count + index)
                    Task { await mesh.publishCatalog() }
                }, log: { log.warnSeldom("endpoint \($0.prefix(60))", $0) })
            watch.start(on: workers[index % workers.count])
        }
        globus?.registerFunctions(
            for: backends.endpoints.flatMap(\.backends), needsStatus: backends.endpoints.contains { $0.status != nil },
            on: workers[0])
    }
}
