extension GlobusCompute {
    private static let configurationNames = ["parent_config", "user_runtime", "mapped_identity", "_GC"]

    /// `POST /v3/endpoints/{id}/submit`.
    ///
    /// - Parameter count: told how many tasks came.
    func submit(_ request: GlobusRequest, _ id: String, _ token: IssuedToken, count: inout Int) -> GlobusAnswer {
        guard request.body.count <= settings.submitBytes else {
            return .compute(
                413, "TASK_PAYLOAD_TOO_LARGE",
                "Task payload of \(request.body.count) bytes exceeds the limit of \(settings.submitBytes)")
        }
        guard let endpoint = endpoints[id] else { return Self.noEndpoint(id) }
        let body: JSONValue
        do throws(JSONError) { body = try JSONReader.read(request.body) } catch {
            return .compute(400, "REQUEST_MALFORMED", error.reason)
        }
        guard let asked = body["tasks"]?.members, !asked.isEmpty,
            asked.allSatisfy({ $0.value.items?.allSatisfy { $0.text != nil } ?? false })
        else {
            return .compute(
                422, "SEMANTICALLY_INVALID",
                "Request payload failed validation: tasks: a map of function ids to lists of texts")
        }
        let owner = Self.owner(token)
        count = asked.reduce(0) { $0 + ($1.value.items?.count ?? 0) }
        if let refusal = refusal(of: asked, endpoint, owner) { return refusal }
        if let refusal = Self.refusal(of: body, endpoint) { return refusal }
        if tasks.count + count > Self.tasksKept { dropOldResults(time: request.time) }
        if groups.count >= Self.tasksKept, let any = groups.keys.first { groups[any] = nil }
        guard tasks.count + count <= Self.tasksKept else { return .compute(503, "SERVICE_UNAVAILABLE", "too many tasks") }
        let group = body["task_group_id"]?.text ?? names.uuid()
        if body["task_group_id"]?.text != nil {
            guard let known = groups[group] else {
                return .compute(404, "TASK_GROUP_NOT_FOUND", "Task group \(group) could not be resolved")
            }
            guard known.owner == owner else {
                return .compute(403, "TASK_GROUP_ACCESS_FORBIDDEN", "Unauthorized access to task group \(group)")
            }
        }
        let ids = accept(asked, endpoint, owner, group, body, request)
        return .ok([
            "request_id": .string(names.uuid()), "task_group_id": .string(group), "endpoint_id": .string(id), "tasks": ids,
        ])
    }

    private func refusal(of asked: [JSONMember], _ endpoint: EmulatedEndpoint, _ owner: String) -> GlobusAnswer? {
        for member in asked {
            guard let function = functions[member.name] else { return Self.noFunction(member.name) }
            guard function.isPublic || function.owner == owner else {
                return .compute(403, "FUNCTION_ACCESS_FORBIDDEN", "Unauthorized access to function \(member.name)")
            }
            if let allowed = endpoint.settings.allowedFunctions, !allowed.contains(member.name) {
                return .compute(
                    403, "FUNCTION_NOT_PERMITTED",
                    "Function \(member.name) not permitted on endpoint \(endpoint.settings.id)")
            }
        }
        return nil
    }

    /// What the start of a user endpoint would refuse, and parameters that the engine does not know.
    private static func refusal(of body: JSONValue, _ endpoint: EmulatedEndpoint) -> GlobusAnswer? {
        let failed = "Request payload failed validation: "
        guard let configuration = body["user_endpoint_config"], configuration != .null else {
            guard let schema = endpoint.settings.schema, let complaint = SchemaCheck.complaint(about: [:], schema: schema)
            else {
                return nil
            }
            return .compute(422, "SEMANTICALLY_INVALID", "Unable to start user endpoint process: \(complaint)")
        }
        guard let members = configuration.members else {
            return .compute(422, "SEMANTICALLY_INVALID", failed + "user_endpoint_config: an object")
        }
        if let reserved = members.first(where: { configurationNames.contains($0.name) }) {
            return .compute(422, "SEMANTICALLY_INVALID", failed + "'\(reserved.name)' is a reserved word")
        }
        if let schema = endpoint.settings.schema, let complaint = SchemaCheck.complaint(about: configuration, schema: schema)
        {
            return .compute(422, "SEMANTICALLY_INVALID", "Unable to start user endpoint process: \(complaint)")
        }
        return nil
    }

    private func accept(
        _ asked: [JSONMember], _ endpoint: EmulatedEndpoint, _ owner: String, _ group: String, _ body: JSONValue,
        _ request: GlobusRequest
    ) -> JSONValue {
        let readyAt = process(endpoint, body["user_endpoint_config"], time: request.time)
        let serializers = body["result_serializers"]?.items?.compactMap(\.text)
        var ids: [JSONMember] = []
        for member in asked {
            guard let function = functions[member.name] else { continue }
            let own: [JSONValue] = (member.value.items ?? []).map { payload in
                let task = EmulatedTask(
                    id: names.uuid(), group: group, owner: owner, endpoint: endpoint, function: function,
                    arguments: payload.text ?? "", serializers: serializers, readyAt: readyAt)
                tasks[task.id] = task
                groups[group, default: (owner, [])].tasks.append((task.id, request.now))
                endpoint.total += 1
                let fate = faults.fate(endpoint: endpoint.settings.id, owner: owner)
                task.workerDiesAfter = fate.workerDiesAfter
                if fate.isLost { task.phase = .vanished } else { endpoint.waiting.append(task) }
                return .string(task.id)
            }
            ids.append(JSONMember(name: member.name, value: .array(own)))
        }
        startTasks(endpoint)
        let id = endpoint.settings.id
        if readyAt > request.time {
            later(readyAt - request.time) { compute in compute.endpoints[id].map { compute.startTasks($0) } }
        }
        return .object(ids)
    }

    /// When the process for a configuration is up; its first task starts it.
    private func process(_ endpoint: EmulatedEndpoint, _ configuration: JSONValue?, time: Double) -> Double {
        let text = (configuration ?? [:]).json
        if let known = endpoint.processes.first(where: { $0.configuration == text }) { return known.readyAt }
        let readyAt = time + endpoint.settings.startSeconds
        endpoint.processes.append((text, readyAt))
        return readyAt
    }

    static func noEndpoint(_ id: String) -> GlobusAnswer {
        .compute(404, "ENDPOINT_NOT_FOUND", "Endpoint \(id) could not be resolved")
    }

    static func noFunction(_ id: String) -> GlobusAnswer {
        .compute(404, "FUNCTION_NOT_FOUND", "Function \(id) could not be resolved")
    }
}
