/// One call of a registered function on an endpoint.
public struct ComputeOrder: Sendable, Equatable {
    /// Ids of the endpoint and of the function, as UUIDs.
    public var endpoint: String
    public var function: String
    /// Packed arguments (`TaskArguments`).
    public var arguments: String
    /// JSON object: template variables of a multi-user endpoint. Keep it the same for a model: each value has its own process.
    public var endpointConfig: String?
    /// JSON object, for engines that run MPI.
    public var resourceSpecification: String?
    /// JSON object, only for site templates that ask for it.
    public var userRuntime: String?
    /// From now to the result; afterwards the task is forgotten.
    public var deadlineSeconds: Double

    public init(
        endpoint: String, function: String, arguments: String, endpointConfig: String? = nil,
        resourceSpecification: String? = nil, userRuntime: String? = nil, deadlineSeconds: Double
    ) {
        self.endpoint = endpoint
        self.function = function
        self.arguments = arguments
        self.endpointConfig = endpointConfig
        self.resourceSpecification = resourceSpecification
        self.userRuntime = userRuntime
        self.deadlineSeconds = deadlineSeconds
    }
}

/// How a task ended.
public enum ComputeOutcome: Sendable, Equatable {
    /// The serialized result (`TaskResult` reads it).
    case result(String, ComputeDetails)
    /// The function raised, or the site's agent could not run it: the traceback (`RemoteFailure` reads it). Not for users as it is.
    case failed(String, ComputeDetails)
    /// The service no longer knows the task, or never told its id.
    case lost(String)
    case deadline
    /// It was not run.
    case refused(ComputeFailure)
    /// Nobody waits for it: it was given up, or settled by a callback.
    case released
}

/// What the agent says about a task's run; each may be absent.
public struct ComputeDetails: Sendable, Equatable {
    /// From the function's start on the worker to its end.
    public var executionSeconds: Double?
    public var agentVersion: String?
    public var pythonVersion: String?

    public init(executionSeconds: Double? = nil, agentVersion: String? = nil, pythonVersion: String? = nil) {
        self.executionSeconds = executionSeconds
        self.agentVersion = agentVersion
        self.pythonVersion = pythonVersion
    }
}
