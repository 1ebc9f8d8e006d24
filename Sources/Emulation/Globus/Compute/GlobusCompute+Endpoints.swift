extension GlobusCompute {
    /// `GET /v2/version`, with `service=all` the versions of everything.
    func version(_ request: GlobusRequest) -> GlobusAnswer {
        guard request.parameter("service") == "all" else { return .ok("1.60.0") }
        return .ok([
            "api": "1.60.0", "min_sdk_version": "2.0.1", "min_ep_version": "2.0.1", "min_endpoint_version": "2.0.1",
            "git_sha": "emulator",
        ])
    }

    /// `GET /v2/endpoints/{id}`.
    func endpoint(_ id: String) -> GlobusAnswer {
        guard let endpoint = endpoints[id]?.settings else { return Self.noEndpoint(id) }
        let agent = endpoint.agent.map { "\($0)" }.joined(separator: ".")
        return .ok([
            "uuid": .string(id), "name": .string(endpoint.name), "display_name": .string(endpoint.name),
            "multi_user": .bool(endpoint.isMultiUser), "public": false, "endpoint_version": .string(agent),
            "user_config_schema": endpoint.schema ?? .null, "endpoint_config": nil, "user_config_template": nil,
            "subscription_uuid": nil,
        ])
    }

    /// `GET /v2/endpoints/{id}/status`: a core endpoint tells its heartbeat alone.
    func endpointStatus(_ id: String) -> GlobusAnswer {
        guard let endpoint = endpoints[id] else { return Self.noEndpoint(id) }
        var details: JSONValue = ["heartbeat_period": JSONValue(30.0)]
        if !endpoint.settings.isMultiUser, endpoint.isOnline {
            var members: [JSONMember] = []
            if let managers = endpoint.settings.managers {
                members += [
                    JSONMember(name: "managers", value: JSONValue(managers)),
                    JSONMember(name: "active_managers", value: JSONValue(managers)),
                ]
            }
            let workers = endpoint.settings.workers
            let figures = [
                ("total_workers", workers), ("idle_workers", workers - endpoint.running),
                ("pending_tasks", endpoint.waiting.count), ("outstanding_tasks", endpoint.waiting.count + endpoint.running),
                ("total_tasks", endpoint.total), ("max_workers_per_node", workers),
            ]
            members += figures.map { JSONMember(name: $0.0, value: JSONValue($0.1)) }
            members.append(JSONMember(name: "engine_type", value: "GlobusComputeEngine"))
            details = .object(members + (details.members ?? []))
        }
        return .ok(["status": endpoint.isOnline ? "online" : "offline", "details": details])
    }

    /// `GET /v3/endpoints/{id}/allowed_functions`.
    func allowedFunctions(_ id: String) -> GlobusAnswer {
        guard let endpoint = endpoints[id]?.settings else { return Self.noEndpoint(id) }
        return .ok([
            "endpoint_id": .string(id), "restricted": .bool(endpoint.allowedFunctions != nil),
            "functions": .array((endpoint.allowedFunctions ?? []).map { .string($0) }),
        ])
    }
}
