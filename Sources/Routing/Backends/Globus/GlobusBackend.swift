public import Globus
import Synchronization
import Transport

/// Which function runs at the endpoint, and so which payload it takes and how it answers.
public enum FunctionStyle: String, Sendable, CaseIterable, Codable {
    /// Ours: streams its answer over one connection back to the node (`Globus/Functions/inference.py`).
    case meshnode
    /// FIRST's, unchanged: posts lines to `/resource_server/api/streaming/…`.
    case first
}

/// What a model's tasks need beside the request.
public struct GlobusBackendSettings: Sendable {
    /// UUID of the Globus Compute endpoint.
    public var endpoint: String
    public var style: FunctionStyle
    /// For our function, the `server` object of its order, as JSON: where it finds the inference server.
    public var serverJSON: String
    /// For FIRST's function: the port of the inference server on its own machine.
    public var apiPort: Int
    /// `user_endpoint_config`, `resource_specification` and `user_runtime`, JSON objects; nil: not sent.
    public var endpointConfig: String?
    public var resourceSpecification: String?
    public var userRuntime: String?
    /// From submission to the task's end.
    public var deadlineSeconds: Double
    /// Where functions reach this node's API port: `https://node.example.org:443`.
    public var callbackURL: String
    /// PEM of the roots that our function checks this node's certificate against; nil: its system's.
    public var callbackCA: String?
    /// `http://host:port` of the proxy that our function goes through; nil: none.
    public var callbackProxy: String?
    /// What the function may take for each step: our `timeouts` object.
    public var connectSeconds: Double
    public var firstByteSeconds: Double
    public var stallSeconds: Double

    public init(
        endpoint: String, style: FunctionStyle = .meshnode, serverJSON: String = "{}", apiPort: Int = 8000,
        endpointConfig: String? = nil, resourceSpecification: String? = nil, userRuntime: String? = nil,
        deadlineSeconds: Double = 3600, callbackURL: String, callbackCA: String? = nil, callbackProxy: String? = nil,
        connectSeconds: Double = 10, firstByteSeconds: Double = 300, stallSeconds: Double = 300
    ) {
        self.endpoint = endpoint
        self.style = style
        self.serverJSON = serverJSON
        self.apiPort = apiPort
        self.endpointConfig = endpointConfig
        self.resourceSpecification = resourceSpecification
        self.userRuntime = userRuntime
        self.deadlineSeconds = deadlineSeconds
        self.callbackURL = callbackURL
        self.callbackCA = callbackCA
        self.callbackProxy = callbackProxy
        self.connectSeconds = connectSeconds
        self.firstByteSeconds = firstByteSeconds
        self.stallSeconds = stallSeconds
    }
}

/// A model behind a Globus Compute endpoint: each request is a task there.
public final class GlobusBackend: Sendable {
    public let settings: GlobusBackendSettings
    public let service: ComputeService
    public let callbacks: CallbackTable
    let observed = OwnObservation()
    private let registered: Mutex<String?>
    private let log: @Sendable (String) -> Void

    /// - Parameters:
    ///   - function: UUID of the registered function; nil until `useFunction`.
    ///   - log: takes what operators should know; no secrets.
    public init(
        settings: GlobusBackendSettings, function: String?, service: ComputeService, callbacks: CallbackTable,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.service = service
        self.callbacks = callbacks
        self.log = log
        registered = Mutex(function)
    }

    public var function: String? { registered.withLock { $0 } }

    /// Sets the function's UUID, once it is registered.
    public func useFunction(_ identifier: String) { registered.withLock { $0 = identifier } }

    /// Seconds that a task now waits before it is submitted, as the endpoint's figures have it.
    var queueSeconds: Double? { service.figures.endpoints[settings.endpoint]?.queueDelaySeconds }

    /// A request under way at the endpoint.
    struct Run {
        let callback: Callback
        let task: ComputeTask
    }

    /// Submits a request as a task. Its answer comes through the callback's channel, whichever way it takes.
    ///
    /// - Parameters:
    ///   - body: the client's JSON, with the model's name as the server knows it.
    func begin(
        path: StaticString, body: String, isStream: Bool, requestID: String, deadlineSeconds: Double
    ) throws(RoutingFailure) -> Run {
        guard let function else {
            throw RoutingFailure(
                .unreachable, status: 503, "the node has not registered its function with Globus Compute yet",
                retryAfterSeconds: 5)
        }
        let callback = callbacks.make()
        do throws(RoutingFailure) {
            let arguments = try arguments(
                for: callback, path: path, body: body, isStream: isStream, requestID: requestID)
            let order = ComputeOrder(
                endpoint: settings.endpoint, function: function, arguments: arguments,
                endpointConfig: settings.endpointConfig, resourceSpecification: settings.resourceSpecification,
                userRuntime: settings.userRuntime, deadlineSeconds: min(settings.deadlineSeconds, deadlineSeconds))
            let task = try submit(order)
            callback.onStart { task.started() }
            callback.onDone { task.ending() }
            return Run(callback: callback, task: task)
        } catch {
            callbacks.close(callback)
            throw error
        }
    }

    private func submit(_ order: ComputeOrder) throws(RoutingFailure) -> ComputeTask {
        do throws(ComputeFailure) {
            return try service.submit(order)
        } catch {
            let kind: RoutingFailure.Kind =
                error.status == 413 ? .unsupported : error.status == 503 ? .overloaded : .unreachable
            throw RoutingFailure(
                kind, status: error.status, error.message, retryAfterSeconds: error.retryAfterSeconds)
        }
    }

    /// Waits for a task's end and makes an answer of its result where the callback brought none.
    func follow(_ run: Run, isStream: Bool) async {
        let outcome = await run.task.outcome()
        TaskEnd(style: settings.style, isStream: isStream, log: log).settle(outcome, run.callback)
        callbacks.close(run.callback)
    }

    /// What an attempt says of the endpoint. Only what no user can bring about counts against it: users who make requests fail must not
    /// take the model from others.
    func note(_ attempt: Attempt) {
        switch attempt {
        case .answered: observed.succeeded()
        case .failed(let failure) where failure.isPlaceFault: observed.failed()
        case .failed, .interrupted, .broken, .refused, .clientGone: break
        }
    }

    private func arguments(
        for callback: Callback, path: StaticString, body: String, isStream: Bool, requestID: String
    ) throws(RoutingFailure) -> String {
        switch settings.style {
        case .meshnode:
            return TaskArguments.encode(
                rawArgumentsJSON: "[" + order(callback, path: path, body: body, isStream: isStream, requestID) + "]")
        case .first:
            let stream = isStream ? firstStream(callback) : nil
            do throws(WireError) {
                let payload = try FIRSTPayload.arguments(
                    body: Array(body.utf8), endpoint: String(path.description.dropFirst("/v1/".count)),
                    port: settings.apiPort, stream: stream)
                return TaskArguments.encode(rawArgumentsJSON: payload)
            } catch { throw RoutingFailure(.unsupported, status: 400, error.message) }
        }
    }

    private func firstStream(_ callback: Callback) -> FIRSTPayload.Stream? {
        guard let address = CallbackAddress(settings.callbackURL) else { return nil }
        return FIRSTPayload.Stream(
            host: address.host, port: address.port, scheme: address.scheme, task: callback.name, token: callback.secret)
    }
}
