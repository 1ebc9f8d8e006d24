/// What is to go wrong, and for which requests.
struct FaultRule {
    enum Cut { case before, after }

    var route: String?
    var client: String?
    var endpoint: String?
    /// Requests, or tasks, that it is still good for; nil: until faults are cleared.
    var timesLeft: Int?

    var status: Int?
    var body: JSONValue?
    var retryAfterSeconds: Int?
    /// The request is handled so much later; a worker dies so late.
    var delaySeconds = 0.0
    /// The connection is cut instead of an answer: before the request is handled, or after.
    var cut: Cut?
    /// The task is accepted and never runs.
    var losesTask = false
    /// The process that runs the task is killed.
    var losesWorker = false

    var concernsTasks: Bool { losesTask || losesWorker }

    init(_ cursor: inout SettingsCursor) throws(JSONError) {
        if let match = cursor.value("match") {
            var inner = try SettingsCursor(match, path: "\(cursor.path).match")
            route = try inner.choice("route", GlobusRoute.allCases.map(\.rawValue))
            client = try inner.text("client")
            endpoint = try inner.text("endpoint")
            try inner.finish()
        }
        timesLeft = try cursor.integer("times", 1...1_000_000) ?? (cursor.isNull("times") ? nil : 1)
        status = try cursor.integer("status", 200...599)
        body = cursor.value("body")
        retryAfterSeconds = try cursor.integer("retryAfter", 0...86_400)
        delaySeconds = try cursor.number("delaySeconds", 0...3600) ?? 0
        switch cursor.value("close") {
        case .bool(true), .string("before"): cut = .before
        case .string("after"): cut = .after
        case nil, .bool(false): break
        default: throw cursor.failure("close", "allowed: true, \"before\", \"after\"")
        }
        if try cursor.truth("closeBefore") == true { cut = .before }
        if try cursor.truth("closeAfter") == true { cut = .after }
        losesTask = try cursor.truth("lostTask") ?? false
        losesWorker = try cursor.truth("workerLost") ?? false
    }

    func matches(_ route: GlobusRoute, client: String?, endpoint: String?) -> Bool {
        !concernsTasks && (self.route == nil || self.route == route.rawValue)
            && (self.client == nil || self.client == client) && (self.endpoint == nil || self.endpoint == endpoint)
    }
}

/// The faults that were asked for. Lives on one worker.
final class FaultRules {
    static let rulesAllowed = 1000

    private(set) var rules: [FaultRule] = []
    /// Services that do not answer: `auth`, `groups`, `compute`.
    var down: Set<String> = []

    /// - Returns: false: there are too many.
    func add(_ rule: FaultRule) -> Bool {
        guard rules.count < Self.rulesAllowed else { return false }
        rules.append(rule)
        return true
    }

    func clear() {
        rules = []
        down = []
    }

    /// The rule for a request, which has then been used once.
    func take(_ route: GlobusRoute, client: String?, endpoint: String?) -> FaultRule? {
        guard let index = rules.firstIndex(where: { $0.matches(route, client: client, endpoint: endpoint) }) else {
            return nil
        }
        return use(index)
    }

    /// What is to become of a task that is just submitted.
    func fate(endpoint: String, owner: String) -> (isLost: Bool, workerDiesAfter: Double?) {
        let index = rules.firstIndex {
            $0.concernsTasks && ($0.endpoint ?? endpoint) == endpoint && ($0.client ?? owner) == owner
        }
        guard let index else { return (false, nil) }
        let rule = use(index)
        return (rule.losesTask, rule.losesWorker ? rule.delaySeconds : nil)
    }

    private func use(_ index: Int) -> FaultRule {
        let rule = rules[index]
        if let times = rule.timesLeft {
            if times > 1 { rules[index].timesLeft = times - 1 } else { rules.remove(at: index) }
        }
        return rule
    }
}
