import Glibc
import Transport

/// The state of the stand-in for Globus Compute: functions, endpoints, tasks. Lives on one worker.
final class GlobusCompute {
    /// Tasks held at most.
    static let tasksKept = 100_000
    static let functionsKept = 10_000

    let settings: GlobusEmulationSettings
    let names: MadeUpNames
    let auth: GlobusAuth
    let faults: FaultRules
    var endpoints: [String: EmulatedEndpoint] = [:]
    var functions: [String: EmulatedFunction] = [:]
    var tasks: [String: EmulatedTask] = [:]
    /// The tasks of each group, and who it belongs to. Times are seconds since 1970.
    var groups: [String: (owner: String, tasks: [(id: String, createdAt: Double)])] = [:]
    var rates: [String: RateWindow] = [:]
    /// Takes what functions print.
    let output: Int32
    /// Runs something on this worker, with this state, after some seconds.
    let later: (Double, @escaping @Sendable (GlobusCompute) -> Void) -> Void
    /// Runs something on this worker, with this state; from any thread.
    let soon: @Sendable (@escaping @Sendable (GlobusCompute) -> Void) -> Void
    /// Seconds since the emulation's start, and since 1970.
    let clock: () -> (time: Double, now: Double)
    var isEnding = false

    init(
        settings: GlobusEmulationSettings, names: MadeUpNames, auth: GlobusAuth, faults: FaultRules, output: Int32,
        clock: @escaping () -> (time: Double, now: Double),
        later: @escaping (Double, @escaping @Sendable (GlobusCompute) -> Void) -> Void,
        soon: @escaping @Sendable (@escaping @Sendable (GlobusCompute) -> Void) -> Void
    ) {
        self.settings = settings
        self.names = names
        self.auth = auth
        self.faults = faults
        self.output = output
        self.clock = clock
        self.later = later
        self.soon = soon
        for endpoint in settings.endpoints { endpoints[endpoint.id] = EmulatedEndpoint(endpoint) }
        for function in settings.functions {
            functions[function.id] = EmulatedFunction(
                id: function.id, name: function.name, code: Self.packed("st\n\(function.name):\(function.source)"),
                description: nil, metadata: [:], owner: nil, isPublic: true)
        }
    }

    /// A buffer behind its length in Unicode scalars.
    static func packed(_ buffer: String) -> String { "\(buffer.unicodeScalars.count)\n\(buffer)" }

    /// Who asks: the token's holder.
    static func owner(_ token: IssuedToken) -> String {
        switch token.holder {
        case .user(let index): "user \(index)"
        case .client(let id): id
        }
    }

    /// An answer where the client asks too often; counts the request.
    func throttle(_ token: IssuedToken, time: Double) -> GlobusAnswer? {
        let wait = rates[token.client, default: RateWindow()].note(
            at: time, allowed: settings.rateRequests, in: settings.rateSeconds)
        guard let wait else { return nil }
        var answer = GlobusAnswer.compute(
            429, "TOO_MANY_REQUESTS",
            "Rate limit of \(settings.rateRequests) requests in \(settings.rateSeconds) seconds exceeded")
        answer.retryAfter = max(1, Int(wait.rounded(.up)))
        return answer
    }

    /// Forgets the results that nobody fetched in time.
    func dropOldResults(time: Double) {
        for task in tasks.values {
            if case .done(_, let visibleAt) = task.phase, time > visibleAt + settings.resultSeconds { tasks[task.id] = nil }
        }
    }

    func setOnline(_ endpoint: EmulatedEndpoint, _ isOnline: Bool) {
        endpoint.isOnline = isOnline
        startTasks(endpoint)
    }

    /// Ends all processes; none is started from now on.
    func end() {
        isEnding = true
        for task in tasks.values {
            if case .running(let process) = task.phase { process.kill() }
        }
    }
}
