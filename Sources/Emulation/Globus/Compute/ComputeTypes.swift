/// A registered function.
struct EmulatedFunction {
    var id: String
    var name: String
    /// As workers get it: packed.
    var code: String
    var description: String?
    var metadata: JSONValue
    /// The identity that registered it; nil: from the configuration, anybody's.
    var owner: String?
    var isPublic: Bool
}

/// A task from its submission until its result was fetched. Lives on one worker.
final class EmulatedTask {
    enum Phase {
        case waiting
        /// The agent will never say another word about it.
        case vanished
        case running(PythonTask)
        /// - Parameter visibleAt: when the agent's publisher has told; seconds since the emulation's start.
        case done(TaskOutcome, visibleAt: Double)
    }

    let id: String
    let group: String
    let owner: String
    let endpoint: EmulatedEndpoint
    let function: EmulatedFunction
    /// Emptied once it runs.
    var arguments: String
    let serializers: [String]?
    /// When its endpoint's process is up; seconds since the emulation's start.
    let readyAt: Double
    var phase = Phase.waiting
    /// Its worker is to die after this many seconds; nil: not.
    var workerDiesAfter: Double?

    init(
        id: String, group: String, owner: String, endpoint: EmulatedEndpoint, function: EmulatedFunction, arguments: String,
        serializers: [String]?, readyAt: Double
    ) {
        self.id = id
        self.group = group
        self.owner = owner
        self.endpoint = endpoint
        self.function = function
        self.arguments = arguments
        self.serializers = serializers
        self.readyAt = readyAt
    }
}

/// How a task ended.
struct TaskOutcome {
    var success: Bool
    /// A JSON string literal.
    var text: String
    /// Seconds since 1970.
    var completedAt: Double
    /// What the worker tells of itself; nil when the agent speaks for it.
    var details: JSONValue?
}

/// An endpoint with its line of tasks. Lives on one worker.
final class EmulatedEndpoint {
    let settings: GlobusEmulationSettings.Endpoint
    var isOnline: Bool
    var waiting: [EmulatedTask] = []
    var running = 0
    /// One for each configuration that tasks came with: its JSON, and when it is up, in seconds since the emulation's start.
    var processes: [(configuration: String, readyAt: Double)] = []
    /// Tasks that came at all.
    var total = 0

    init(_ settings: GlobusEmulationSettings.Endpoint) {
        self.settings = settings
        isOnline = settings.isOnline
    }
}
