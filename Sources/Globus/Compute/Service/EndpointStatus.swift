/// What the service last heard of an endpoint. Heartbeats are 30 s apart: a crash is noticed one or two minutes late.
public struct EndpointStatus: Sendable, Equatable {
    /// Connected, and not stopping.
    public var isOnline: Bool
    /// Nodes of the engine; nil where the endpoint does not say, as multi-user endpoints never do. That is not 0.
    public var managers: Int?
    /// Of them, those that take tasks.
    public var activeManagers: Int?
    /// Functions that all managers together can run at once.
    public var totalWorkers: Int?
    /// Of them, those that run none.
    public var idleWorkers: Int?
    /// Tasks that no manager has yet.
    public var pendingTasks: Int?
    /// Tasks at the endpoint that have not ended, waiting or running.
    public var outstandingTasks: Int?
    /// Between two reports of the endpoint; 0 in its last one.
    public var heartbeatSeconds: Double?

    public init(isOnline: Bool) { self.isOnline = isOnline }

    /// nil if the answer is no status. Numbers may come as text, `details` may be missing (GLOBUS.md §2.1).
    init?(_ body: [UInt8]) {
        guard let answer = try? WireJSON.parse(body), let status = answer["status"]?.text?.lowercased() else { return nil }
        let details = answer["details"]
        func count(_ name: String) -> Int? {
            details?[name]?.integer.flatMap { (0...1_000_000_000).contains($0) ? $0 : nil }
        }
        managers = count("managers")
        activeManagers = count("active_managers")
        totalWorkers = count("total_workers")
        idleWorkers = count("idle_workers")
        pendingTasks = count("pending_tasks")
        outstandingTasks = count("outstanding_tasks")
        heartbeatSeconds =
            details?["heartbeat_period"]?.number ?? details?["heartbeat_period"]?.text.flatMap { Double($0) }
        // A clean stop says so at once, and the status only later.
        isOnline = status == "online" && heartbeatSeconds != 0 && details?["active"]?.truth != false
    }
}

/// What an endpoint is, as its owner set it up.
public struct EndpointDescription: Sendable, Equatable {
    public var name: String
    public var displayName: String?
    /// nil where the service does not say.
    public var isMultiUser: Bool?

    init?(_ body: [UInt8]) {
        guard let answer = try? WireJSON.parse(body), answer.pairs != nil else { return nil }
        name = shortened(answer["name"]?.text ?? "", to: 200)
        displayName = answer["display_name"]?.text.map { shortened($0, to: 200) }
        isMultiUser = answer["multi_user"]?.truth
    }
}
