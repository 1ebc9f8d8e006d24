extension GlobusServer {
    /// The emulation's own routes, for tests and demonstrations.
    func control(_ request: GlobusRequest) -> GlobusAnswer {
        switch (request.method, request.segments) {
        case ("POST", ["emulation", "faults"]): return addFaults(request)
        case ("DELETE", ["emulation", "faults"]):
            faults.clear()
            for endpoint in compute.endpoints.values { compute.setOnline(endpoint, endpoint.settings.isOnline) }
            return .ok(["status": "ok"])
        case ("GET", ["emulation", "log"]):
            return .ok(log.json(since: request.parameter("since").flatMap { Double($0) } ?? -1))
        case ("GET", ["emulation", "state"]): return .ok(state(time: request.time))
        default: return GlobusAnswer(404, ["code": "NOT_FOUND", "message": "allowed: /emulation/faults, log, state"])
        }
    }

    private func addFaults(_ request: GlobusRequest) -> GlobusAnswer {
        do throws(JSONError) {
            let value = try JSONReader.read(request.body)
            var rules: [FaultRule] = []
            var actions: [() -> Void] = []
            // All is read before any takes effect.
            for (index, item) in (value.items ?? [value]).enumerated() {
                var cursor = try SettingsCursor(item, path: "faults[\(index)]")
                if let action = try action(&cursor) {
                    actions.append(action)
                } else {
                    rules.append(try FaultRule(&cursor))
                }
                try cursor.finish()
            }
            for action in actions { action() }
            guard rules.allSatisfy(faults.add) else { return GlobusAnswer(400, ["message": "too many faults"]) }
            return .ok(["status": "ok", "rules": JSONValue(faults.rules.count)])
        } catch {
            return GlobusAnswer(400, ["code": "BAD_FAULT", "message": .string("line \(error.line): \(error.reason)")])
        }
    }

    /// A fault that takes effect at once; nil for a rule.
    private func action(_ cursor: inout SettingsCursor) throws(JSONError) -> (() -> Void)? {
        if let id = try cursor.text("endpoint") {
            guard let endpoint = compute.endpoints[id] else { throw cursor.failure("endpoint", "unknown") }
            let state = try cursor.choice("state", ["online", "offline"])
            guard let state else { throw cursor.failure("state", "is missing: online or offline") }
            return { self.compute.setOnline(endpoint, state == "online") }
        }
        if let token = try cursor.text("revokeToken") { return { self.auth.revoke(token) } }
        if let down = try cursor.texts("down") {
            guard down.allSatisfy({ ["auth", "groups", "compute"].contains($0) }) else {
                throw cursor.failure("down", "allowed: auth, groups, compute")
            }
            return { self.faults.down = Set(down) }
        }
        return nil
    }

    private func state(time: Double) -> JSONValue {
        compute.dropOldResults(time: time)
        var counts = ["waiting": 0, "lost": 0, "running": 0, "publishing": 0, "unfetched": 0]
        var processes: [JSONValue] = []
        for task in compute.tasks.values {
            switch task.phase {
            case .waiting: counts["waiting", default: 0] += 1
            case .vanished: counts["lost", default: 0] += 1
            case .running(let process):
                counts["running", default: 0] += 1
                if let pid = process.pid {
                    processes.append([
                        "pid": JSONValue(Int(pid)), "task": .string(task.id), "endpoint": .string(task.endpoint.settings.id),
                    ])
                }
            case .done(_, let visibleAt): counts[time < visibleAt ? "publishing" : "unfetched", default: 0] += 1
            }
        }
        let endpoints: [JSONValue] = compute.endpoints.values.sorted { $0.settings.id < $1.settings.id }.map { endpoint in
            [
                "id": .string(endpoint.settings.id), "state": endpoint.isOnline ? "online" : "offline",
                "waiting": JSONValue(endpoint.waiting.count), "running": JSONValue(endpoint.running),
                "total": JSONValue(endpoint.total),
                "userEndpoints": .array(endpoint.processes.map { .literal($0.configuration) }),
            ]
        }
        let clients = compute.rates.sorted { $0.key < $1.key }.map { client, rate in
            JSONMember(
                name: client,
                value: [
                    "requests": JSONValue(rate.total), "throttled": JSONValue(rate.refused),
                    "maximumIn10Seconds": JSONValue(rate.mostSeen),
                ])
        }
        return [
            "emulation": .string(GlobusHandler.name), "time": JSONValue(time),
            "tasks": .object(counts.sorted { $0.key < $1.key }.map { JSONMember(name: $0.key, value: JSONValue($0.value)) }),
            "processes": .array(processes), "endpoints": .array(endpoints), "clients": .object(clients),
            "functions": JSONValue(compute.functions.count), "faults": JSONValue(faults.rules.count),
            "down": .array(faults.down.sorted().map { .string($0) }),
        ]
    }
}
