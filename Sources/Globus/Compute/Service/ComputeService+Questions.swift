import Synchronization

extension ComputeService {
    /// An endpoint's status; up to a minute old, and one question at a time for an endpoint.
    public func status(of endpoint: String) async throws(ComputeFailure) -> EndpointStatus {
        let flight: Task<Result<EndpointStatus, ComputeFailure>, Never> = answers.withLock { answers in
            let time = now
            if let known = answers[endpoint], known.isUnderWay || time < known.until { return known.flight }
            // Bounded: whoever names endpoints without end gets no memory for it.
            if answers.count >= settings.questionsAllowed { answers = answers.filter { $0.value.isUnderWay } }
            let flight = Task { await self.askStatus(of: endpoint) }
            answers[endpoint] = StatusAnswer(flight: flight)
            return flight
        }
        return try await flight.value.get()
    }

    /// A status, or the wait for it.
    struct StatusAnswer: Sendable {
        let flight: Task<Result<EndpointStatus, ComputeFailure>, Never>
        var isUnderWay = true
        var until: UInt64 = 0
    }

    private func askStatus(of endpoint: String) async -> Result<EndpointStatus, ComputeFailure> {
        let result: Result<EndpointStatus, ComputeFailure>
        do throws(ComputeFailure) {
            let body = try await question("GET", "/v2/endpoints/", endpoint, "/status")
            guard let status = EndpointStatus(body) else { throw .meaningless }
            result = .success(status)
        } catch { result = .failure(error) }
        let good = if case .success = result { true } else { false }
        answers.withLock { answers in
            answers[endpoint]?.isUnderWay = false
            answers[endpoint]?.until = now.adding(seconds: good ? settings.statusSeconds : settings.statusFailureSeconds)
        }
        return result
    }

    /// What an endpoint is.
    public func endpoint(_ endpoint: String) async throws(ComputeFailure) -> EndpointDescription {
        let body = try await question("GET", "/v2/endpoints/", endpoint, "")
        guard let description = EndpointDescription(body) else { throw .meaningless }
        return description
    }

    /// Which functions an endpoint runs; any, when it is not restricted.
    public func allowedFunctions(of endpoint: String) async throws(ComputeFailure) -> (restricted: Bool, functions: [String])
    {
        let body = try await question("GET", "/v3/endpoints/", endpoint, "/allowed_functions")
        guard let answer = try? WireJSON.parse(body), answer.pairs != nil else { throw .meaningless }
        let functions = answer["functions"]?.items?.compactMap(\.text) ?? []
        return (answer["restricted"]?.truth ?? !functions.isEmpty, functions.map { $0.lowercased() })
    }

    /// Registers a function; each call makes a new id, to be kept.
    public func register(_ function: FunctionRegistration) async throws(ComputeFailure) -> String {
        let answer = try? WireJSON.parse(try await question("POST", "/v3/functions", body: function.json))
        guard let id = answer?["function_uuid"]?.text, isIdentifier(id) else { throw .meaningless }
        return id.lowercased()
    }

    private func question(_ method: String, _ before: String, _ endpoint: String, _ after: String)
        async throws(ComputeFailure)
        -> [UInt8]
    {
        guard isIdentifier(endpoint) else { throw ComputeFailure(.badRequest, "The endpoint's id is not one.") }
        return try await question(method, before + endpoint + after)
    }

    /// Waits its turn in the budget and asks; once more with a new token.
    private func question(_ method: String, _ path: String, body: String? = nil) async throws(ComputeFailure) -> [UInt8] {
        for isLast in [false, true] {
            try await turn()
            do throws(CallFailure) { return try await calls.send(method, path, body: body) } catch {
                if error.kind == .status(429) {
                    let seconds = error.retryAfterSeconds
                    tell { machine, now in machine.onThrottled(seconds, now: now) }
                }
                if error.kind == .status(401), !isLast { continue }
                throw ComputeFailure(error)
            }
        }
        throw .meaningless
    }

    private func turn() async throws(ComputeFailure) {
        let began: Result<(UInt64, [Action]), ComputeFailure> = state.withLock { state in
            guard !state.isStopped else { return .failure(.stopped) }
            do throws(ComputeFailure) {
                let (number, directives) = try state.machine.onQuestion(now: now)
                return .success((number, settle(&state, directives)))
            } catch { return .failure(error) }
        }
        let (number, actions) = try began.get()
        carryOut(actions)
        let isPermitted = await withCheckedContinuation { continuation in
            let known: Bool? = state.withLock { state in
                if state.isStopped { return false }
                if state.permitted.remove(number) != nil { return true }
                state.questions[number] = continuation
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
        if !isPermitted { throw .stopped }
    }
}

extension ComputeFailure {
    static let meaningless = ComputeFailure(
        .protocolViolation, "Globus Compute answered with something else than was asked.")

    /// Why a question has no answer.
    init(_ failure: CallFailure) {
        switch SubmitVerdict(failure, endpoint: "") {
        case .newToken(let refusal), .startRefused(let refusal), .tooLarge(let refusal), .refused(let refusal),
            .refusedAll(let refusal):
            self = refusal
        case .later:
            self = SubmitVerdict.unavailable(failure)
            code = .rateLimited
        case .again, .uncertain, .newGroup: self = SubmitVerdict.unavailable(failure)
        }
    }
}
