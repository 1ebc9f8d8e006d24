extension GlobusCompute {
    /// How many tasks one `batch_status` may ask for.
    static let batchAllowed = 10_000

    /// `POST /v2/batch_status`.
    func batchStatus(_ request: GlobusRequest, _ token: IssuedToken, count: inout Int) -> GlobusAnswer {
        guard let body = try? JSONReader.read(request.body), let items = body["task_ids"]?.items,
            items.count <= Self.batchAllowed
        else { return .compute(400, "REQUEST_KEY_ERROR", "task_ids: a list of task ids") }
        count = items.count
        var results: [JSONMember] = []
        for id in Set(items.compactMap(\.text)).sorted() {
            guard let task = task(id, token, time: request.time) else { continue }
            results.append(JSONMember(name: id, value: describe(task, time: request.time)))
        }
        return .ok(["response": "batch", "results": .object(results)])
    }

    /// `GET /v2/tasks/{id}`.
    func taskStatus(_ request: GlobusRequest, _ id: String, _ token: IssuedToken) -> GlobusAnswer {
        guard let task = task(id, token, time: request.time) else {
            return .compute(404, "TASK_NOT_FOUND", "Task \(id) could not be resolved")
        }
        return .ok(describe(task, time: request.time))
    }

    /// `GET /v2/taskgroup/{id}`.
    func taskGroup(_ id: String, _ token: IssuedToken) -> GlobusAnswer {
        guard let group = groups[id] else {
            return .compute(404, "TASK_GROUP_NOT_FOUND", "Task group \(id) could not be resolved")
        }
        guard group.owner == Self.owner(token) else {
            return .compute(403, "TASK_GROUP_ACCESS_FORBIDDEN", "Unauthorized access to task group \(id)")
        }
        return .ok([
            "taskgroup_id": .string(id), "create_websockets_queue": false,
            "tasks": .array(group.tasks.map { ["id": .string($0.id), "created_at": JSONValue($0.createdAt)] }),
        ])
    }

    private func task(_ id: String, _ token: IssuedToken, time: Double) -> EmulatedTask? {
        guard let task = tasks[id], task.owner == Self.owner(token) else { return nil }
        if case .done(_, let visibleAt) = task.phase, time > visibleAt + settings.resultSeconds {
            tasks[id] = nil
            return nil
        }
        return task
    }

    /// A task as its owner sees it. A result is told once: the task is forgotten with it.
    private func describe(_ task: EmulatedTask, time: Double) -> JSONValue {
        var members: [JSONMember] = [JSONMember(name: "task_id", value: .string(task.id))]
        func pending(_ status: String) -> JSONValue {
            .object(members + [JSONMember(name: "status", value: .string(status))])
        }
        switch task.phase {
        case .vanished: return pending("waiting-for-nodes")
        case .waiting: return pending(task.endpoint.isOnline ? "waiting-for-nodes" : "waiting-for-ep")
        case .running: return pending("running")
        case .done(let outcome, let visibleAt):
            guard time >= visibleAt, task.endpoint.isOnline else { return pending("running") }
            tasks[task.id] = nil
            members += [
                JSONMember(name: "status", value: outcome.success ? "success" : "failed"),
                JSONMember(name: outcome.success ? "result" : "exception", value: .literal(outcome.text)),
                JSONMember(name: "completion_t", value: .string("\(outcome.completedAt)")),
            ]
            if let details = outcome.details { members.append(JSONMember(name: "details", value: details)) }
            return .object(members)
        }
    }
}
