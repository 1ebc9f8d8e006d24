/// The body that submits tasks to one endpoint: `POST /v3/endpoints/{id}/submit` (GLOBUS.md §2.3), laid out as the Python SDK
/// does. What is nil or empty is left out.
public struct SubmitBody: Sendable, Equatable {
    /// The payloads for one registered function.
    public struct Tasks: Sendable, Equatable {
        /// The function's id.
        public var function: String
        /// Packed arguments, one text a task; the reply names the tasks in the same order.
        public var payloads: [String]

        public init(function: String, payloads: [String]) {
            self.function = function
            self.payloads = payloads
        }
    }

    /// The serializers a worker is asked for: JSON, and a pickle for what JSON cannot say (GLOBUS.md §3.3).
    public static let usualResultSerializers = [
        "globus_compute_sdk.serialize.JSONData", "globus_compute_sdk.serialize.DillDataBase64",
    ]

    /// One entry a function; of entries with the same function the payloads are joined.
    public var tasks: [Tasks]
    /// Whether results also go to a message queue. Only for who reads it: otherwise they pile up there.
    public var createsQueue = false
    /// A task group that the service made in an earlier reply to the same client.
    public var taskGroup: String?
    /// JSON object: the template variables that choose a user endpoint. Any change of a value starts another process.
    public var endpointConfig: String?
    /// JSON object, for engines that run MPI.
    public var resourceSpecification: String?
    /// JSON object, for site templates that ask for it.
    public var userRuntime: String?
    public var resultSerializers: [String]

    public init(tasks: [Tasks], resultSerializers: [String] = SubmitBody.usualResultSerializers) {
        self.tasks = tasks
        self.resultSerializers = resultSerializers
    }

    /// - Throws: `.malformed` or `.limitExceeded` if one of the objects given as text is not a JSON object.
    public func json() throws(WireError) -> String {
        var order: [String] = []
        var payloads: [String: [WireValue]] = [:]
        for entry in tasks {
            if payloads[entry.function] == nil { order.append(entry.function) }
            payloads[entry.function, default: []] += entry.payloads.map { .string($0) }
        }
        var fields = [
            WirePair("create_queue", .bool(createsQueue)),
            WirePair("tasks", .dictionary(order.map { WirePair($0, .list(payloads[$0] ?? [])) })),
        ]
        if let taskGroup { fields.append(WirePair("task_group_id", .string(taskGroup))) }
        try add(endpointConfig, as: "user_endpoint_config", to: &fields)
        try add(resourceSpecification, as: "resource_specification", to: &fields)
        try add(userRuntime, as: "user_runtime", to: &fields)
        if !resultSerializers.isEmpty {
            fields.append(WirePair("result_serializers", .list(resultSerializers.map { .string($0) })))
        }
        return WireJSON.write(.dictionary(fields), style: .python)
    }

    private func add(_ text: String?, as name: String, to fields: inout [WirePair]) throws(WireError) {
        guard let text else { return }
        let value = try WireJSON.parse(text)
        guard case .dictionary(let members) = value else { throw .malformed("`\(name)` is not a JSON object") }
        if !members.isEmpty { fields.append(WirePair(name, value)) }
    }
}
