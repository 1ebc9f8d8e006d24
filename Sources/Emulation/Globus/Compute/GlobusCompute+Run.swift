import Transport

extension GlobusCompute {
    /// Starts what can run now.
    func startTasks(_ endpoint: EmulatedEndpoint) {
        let time = clock().time
        var left: [EmulatedTask] = []
        for task in endpoint.waiting {
            let mayRun = endpoint.isOnline && !isEnding && endpoint.running < endpoint.settings.workers
            if mayRun, task.readyAt <= time { start(task) } else { left.append(task) }
        }
        endpoint.waiting = left
    }

    private func start(_ task: EmulatedTask) {
        let endpoint = task.endpoint
        let process = PythonTask()
        endpoint.running += 1
        task.phase = .running(process)
        let serializers = task.serializers.map { JSONValue.array($0.map { .string($0) }) } ?? .null
        let message: JSONValue = [
            "buffer": .string(task.function.code + task.arguments),
            "agent": .array(endpoint.settings.agent.map { JSONValue($0) }), "serializers": serializers,
            "limit": JSONValue(settings.resultCharacters),
        ]
        task.arguments = ""
        var bytes: [UInt8] = []
        message.write(to: &bytes)
        let order = PythonTask.Order(
            python: endpoint.settings.python, environment: endpoint.settings.environment, output: output, message: bytes)
        let id = task.id
        let soon = soon
        process.start(order) { outcome in soon { $0.ended(id, outcome) } }
        if let seconds = task.workerDiesAfter { later(seconds) { _ in process.kill() } }
    }

    private func ended(_ id: String, _ outcome: PythonOutcome) {
        guard let task = tasks[id], case .running = task.phase else { return }
        let (time, now) = clock()
        task.endpoint.running -= 1
        let result: TaskOutcome
        switch outcome {
        case .ended(let success, let text, let start, let end, let system, let python):
            let agent = task.endpoint.settings.agent.map { "\($0)" }.joined(separator: ".")
            result = TaskOutcome(
                success: success, text: text, completedAt: now,
                details: [
                    "os": .string(system), "dill_version": "0.3.9", "python_version": .string(python),
                    "globus_compute_sdk_version": .string(agent), "endpoint_id": .string(task.endpoint.settings.id),
                    "task_transitions": ["execution-start": JSONValue(start), "execution-end": JSONValue(end)],
                ])
        case .lost:
            result = TaskOutcome(success: false, text: JSONValue.string(Self.workerLost).json, completedAt: now)
        case .notStarted(let reason):
            let text = "Failed to start task: \(task.endpoint.settings.python): \(reason)"
            result = TaskOutcome(success: false, text: JSONValue.string(text).json, completedAt: now)
        }
        // The agent's publisher wakes at fixed times.
        let step = settings.pollLatencySeconds
        task.phase = .done(result, visibleAt: step > 0 ? (time / step).rounded(.up) * step : time)
        startTasks(task.endpoint)
    }

    /// What an agent says when a worker's process is gone.
    static let workerLost =
        String(repeating: "+", count: 68) + "\nTraceback (most recent call last):\n"
        + "  File \"/emulated/parsl/executors/high_throughput/interchange.py\", line 1, in process_results\n"
        + "    raise WorkerLost(worker_id, hostname)\n"
        + "parsl.executors.high_throughput.errors.WorkerLost: Task failure due to loss of worker 0 on host emulated\n"
        + String(repeating: "-", count: 68) + "\n"
}
