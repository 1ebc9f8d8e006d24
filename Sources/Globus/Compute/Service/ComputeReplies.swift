extension SubmitReply {
    /// The answer to a submit; nil if it is none.
    init?(_ body: [UInt8]) {
        guard let answer = try? WireJSON.parse(body), let functions = answer["tasks"]?.pairs else { return nil }
        endpoint = answer["endpoint_id"]?.text
        taskGroup = answer["task_group_id"]?.text
        tasks = [:]
        for pair in functions {
            guard case .string(let function) = pair.key, let ids = pair.value.items else { return nil }
            tasks[function.lowercased()] = ids.compactMap(\.text)
        }
    }
}

extension TaskReport {
    /// The answer to a poll; nil if it is none.
    static func reports(_ body: [UInt8], settings: ComputeSettings) -> [TaskReport]? {
        var limits = WireLimits()
        limits.bytes = settings.pollAnswerBytes
        limits.expandedBytes = settings.pollAnswerBytes
        guard let answer = try? WireJSON.parse(body, limits: limits), let results = answer["results"]?.pairs else {
            return nil
        }
        return results.compactMap { pair in
            guard case .string(let id) = pair.key else { return nil }
            return TaskReport(id: id, pair.value, resultCharacters: settings.resultCharacters)
        }
    }

    /// A task object (GLOBUS.md §2.4): done means `success` or `failed`, everything else is pending.
    private init(id: String, _ task: WireValue, resultCharacters: Int) {
        self.id = id
        details = ComputeDetails(task["details"])
        let exception = task["exception"]?.text ?? task["reason"]?.text
        switch task["status"]?.text?.lowercased() {
        case "success":
            guard let result = task["result"]?.text else {
                state = .unreadable(exception ?? "the task has ended without a result")
                return
            }
            let count = result.utf8.count <= resultCharacters ? 0 : result.unicodeScalars.count
            state =
                count <= resultCharacters
                ? .succeeded(result) : .unreadable("MaxResultSizeExceeded(\(count), \(resultCharacters))")
        case "failed":
            let text = exception ?? "the task has failed without a reason"
            state = .failed(text, isWorkerLost: RemoteFailure(exceptionText: text).isTransient)
        default: state = .pending
        }
    }
}

extension ComputeDetails {
    init(_ details: WireValue?) {
        self.init()
        agentVersion = details?["globus_compute_sdk_version"]?.text.map { shortened($0, to: 40) }
        pythonVersion = details?["python_version"]?.text.map { shortened($0, to: 40) }
        let transitions = details?["task_transitions"]
        if let start = transitions?["execution-start"]?.number, let end = transitions?["execution-end"]?.number, end >= start
        {
            executionSeconds = end - start
        }
    }
}
