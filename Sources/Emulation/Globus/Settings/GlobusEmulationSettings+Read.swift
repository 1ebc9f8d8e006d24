public import Transport

extension GlobusEmulationSettings {
    /// Reads a configuration.
    ///
    /// - Parameter path: for messages.
    /// - Throws: `.system` with one line: the file, the line, the member, and what is allowed.
    public init(configuration bytes: [UInt8], path: String) throws(TransportError) {
        do throws(JSONError) {
            var cursor = try SettingsCursor(JSONReader.read(bytes))
            self.init()
            try read(&cursor)
            try cursor.finish()
        } catch {
            throw TransportError(.system, "\(path):\(error.line): \(error.reason)")
        }
    }

    private mutating func read(_ cursor: inout SettingsCursor) throws(JSONError) {
        clients = try cursor.objects("clients") { (item) throws(JSONError) in try Client(&item) }
        users = try cursor.objects("users") { (item) throws(JSONError) in try User(&item) }
        endpoints = try cursor.objects("endpoints") { (item) throws(JSONError) in try Endpoint(&item) }
        functions = try cursor.objects("functions") { (item) throws(JSONError) in
            Function(
                id: try item.requiredText("id"), name: try item.requiredText("name"), source: try item.requiredText("source")
            )
        }
        if let rate = cursor.value("rateLimit") {
            var limit = try SettingsCursor(rate, path: "rateLimit")
            rateRequests = try limit.integer("requests", 1...1_000_000) ?? rateRequests
            rateSeconds = try limit.number("seconds", 0.01...3600) ?? rateSeconds
            try limit.finish()
        }
        tokenSeconds = try cursor.number("tokenSeconds", 0...31_536_000) ?? tokenSeconds
        pollLatencySeconds = try cursor.number("pollLatencySeconds", 0...60) ?? pollLatencySeconds
        resultSeconds = try cursor.number("resultSeconds", 0...1_209_600) ?? resultSeconds
        submitBytes = try cursor.integer("submitBytes", 1...Self.submitBytesAllowed) ?? submitBytes
        resultCharacters = try cursor.integer("resultCharacters", 1...67_108_864) ?? resultCharacters
        functionOutput = try cursor.text("functionOutput")
    }

    static let submitBytesAllowed = 64 << 20
}

extension GlobusEmulationSettings.Client {
    init(_ cursor: inout SettingsCursor) throws(JSONError) {
        id = try cursor.requiredText("id")
        secret = try cursor.text("secret")
        redirects = try cursor.texts("redirects") ?? []
        let kind = try cursor.choice("kind", ["confidential", "native"])
        if let kind, (kind == "native") != (secret == nil) {
            throw cursor.failure("kind", "a confidential client has a secret, a native one has none")
        }
    }
}

extension GlobusEmulationSettings.User {
    init(_ cursor: inout SettingsCursor) throws(JSONError) {
        username = try cursor.requiredText("username")
        sub = try cursor.requiredText("sub")
        name = try cursor.text("name")
        identityProvider = try cursor.text("idp") ?? "a0000000-0000-4000-8000-00000000a271"
        identityProviderName = try cursor.text("idpName") ?? "Emulated identity provider"
        domain = try cursor.text("domain")
        groups = try cursor.objects("groups") { (item) throws(JSONError) in
            let id = try item.requiredText("id")
            let name = try item.text("name") ?? id
            return GlobusEmulationSettings.Group(
                id: id, name: name,
                status: try item.choice(
                    "status", ["active", "invited", "pending", "rejected", "removed", "left", "declined"]) ?? "active")
        }
        for member in cursor.value("policies")?.members ?? [] {
            guard let holds = member.value.truth else {
                throw cursor.failure("policies", "allowed: policy ids with true or false")
            }
            policies.append((member.name, holds))
        }
        authenticatedSecondsAgo = try cursor.number("authTime", 0...1_000_000_000) ?? authenticatedSecondsAgo
        for item in cursor.value("tokens")?.items ?? [] {
            if let token = item.text {
                tokens.append(GlobusEmulationSettings.Token(token: token))
                continue
            }
            var inner = try SettingsCursor(item, path: "\(cursor.path).tokens", line: item.members?.first?.line ?? 0)
            tokens.append(
                GlobusEmulationSettings.Token(
                    token: try inner.requiredText("token"), client: try inner.text("client"),
                    scope: try inner.text("scope"),
                    expiresInSeconds: try inner.number("expiresInSeconds", -1_000_000...1_000_000_000)))
            try inner.finish()
        }
    }
}

extension GlobusEmulationSettings.Endpoint {
    init(_ cursor: inout SettingsCursor) throws(JSONError) {
        id = try cursor.requiredText("id")
        name = try cursor.text("name") ?? id
        isMultiUser = try cursor.truth("multiUser") ?? isMultiUser
        workers = try cursor.integer("workers", 1...256) ?? workers
        isOnline = try cursor.choice("state", ["online", "offline"]) != "offline"
        // Null says that the agent tells none.
        managers = try cursor.integer("managers", 0...100_000) ?? (cursor.isNull("managers") || isMultiUser ? nil : 1)
        startSeconds = try cursor.number("startSeconds", 0...86_400) ?? startSeconds
        python = try cursor.text("python") ?? python
        allowedFunctions = try cursor.texts("allowedFunctions")
        for member in cursor.value("environment")?.members ?? [] {
            guard let text = member.value.text else { throw cursor.failure("environment", "allowed: names with texts") }
            environment[member.name] = text
        }
        if let text = try cursor.text("agent") {
            agent = text.split(separator: ".").compactMap { Int($0) }
            guard agent.count == 3 else {
                throw cursor.failure("agent", "found \"\(text)\"; allowed: a release such as 4.19.0")
            }
        }
        schema = cursor.value("schema")
    }
}
