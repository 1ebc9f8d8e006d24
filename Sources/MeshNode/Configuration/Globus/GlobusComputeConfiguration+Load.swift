extension GlobusComputeConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> GlobusComputeConfiguration {
        cursor.object { fields in
            let configuration = GlobusComputeConfiguration(
                clientID: fields["clientId"].uuid(),
                secretFile: fields["secretFile"].optional { $0.file() },
                secretEnvironment: fields["secretEnvironment"].optional { $0.environmentVariable() },
                services: GlobusServicesConfiguration.decode(fields["services"]),
                requestsPerTenSeconds: fields["requestsPerTenSeconds"].integer(in: requestsAllowed, default: 20),
                statusSeconds: fields["statusSeconds"].duration(in: statusSecondsAllowed, default: 60),
                callbackURL: fields["callbackURL"].optional { $0.webAddress(allowsPath: false) },
                callbackCAFile: fields["callbackCAFile"].optional { $0.file() },
                callbackProxy: fields["callbackProxy"].optional { $0.webAddress(schemes: ["http"], allowsPath: false) },
                internalSecretFile: fields["internalSecretFile"].optional { $0.file() },
                internalSecretEnvironment: fields["internalSecretEnvironment"].optional { $0.environmentVariable() },
                direct: fields["direct"].list(atMost: 64) { item in
                    item.object { peer in
                        DirectPeer(
                            site: peer["site"].label(),
                            endpoints: peer["endpoints"].list(atLeast: 1, atMost: 256) { $0.uuid() })
                    }
                })
            oneOf(fields, "secretFile", "secretEnvironment", isNeeded: true)
            oneOf(fields, "internalSecretFile", "internalSecretEnvironment", isNeeded: false)
            return configuration
        }
    }

    /// Two ways of giving one secret.
    static func oneOf(_ fields: ConfigurationFields, _ first: String, _ second: String, isNeeded: Bool) {
        switch (fields[first].isPresent, fields[second].isPresent) {
        case (true, true): fields[second].fail("stands beside \(first); allowed: one of the two")
        case (false, false) where isNeeded:
            fields[first].fail("is missing; allowed: \(first), a file, or \(second), a variable's name")
        default: break
        }
    }
}

extension GlobusServicesConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> GlobusServicesConfiguration {
        cursor.objectOrDefaults { fields in
            GlobusServicesConfiguration(
                auth: fields["auth"].optional { $0.webAddress(allowsPath: false) },
                groups: fields["groups"].optional { $0.webAddress(allowsPath: false) },
                compute: fields["compute"].optional { $0.webAddress(allowsPath: false) },
                caFile: fields["caFile"].optional { $0.file() },
                proxy: fields["proxy"].optional { $0.webAddress(schemes: ["http"], allowsPath: false) },
                noProxy: fields["noProxy"].list(atMost: 64) {
                    $0.string(length: 1...253, allowed: "a host or domain", where: Names.isVisible)
                })
        }
    }
}

extension GlobusComputeBackend {
    static func decode(_ fields: ConfigurationFields) -> GlobusComputeBackend {
        let style = fields["style"].enumeration(Style.self, default: .meshnode)
        let server = fields["server"]
        var backend = GlobusComputeBackend(endpoint: fields["endpoint"].uuid(), style: style)
        backend.function = fields["function"].optional { $0.uuid() }
        server.objectOrDefaults { server in
            backend.serverURL = server["url"].optional { $0.serverAddress() }
            backend.serverKeyEnvironment = server["keyEnvironment"].optional { $0.environmentVariable() }
            backend.serverCAFile = server["caFile"].optional { $0.string(length: 1...4096, allowed: "a path there") }
        }
        backend.apiPort = fields["apiPort"].optional { $0.integer(in: 1...65535) }
        backend.upstreamModel = fields["upstreamModel"].optional { $0.string(length: 1...512, allowed: "a model's name") }
        backend.slots = fields["slots"].optional { $0.integer(in: 1...100_000) }
        backend.deadlineSeconds = fields["deadlineSeconds"].duration(in: deadlineSecondsAllowed, default: 3600)
        backend.endpointConfig = fields["endpointConfig"].optional { $0.jsonObject() }
        backend.resourceSpecification = fields["resourceSpecification"].optional { $0.jsonObject() }
        backend.userRuntime = fields["userRuntime"].optional { $0.jsonObject() }
        if fields["status"].isPresent { backend.status = Status.decode(fields["status"]) }
        backend.direct = fields["direct"].optional(Direct.decode)
        switch style {
        case .meshnode:
            if backend.serverURL == nil {
                server.fail(
                    "is missing its url; allowed: server: { url: \"http://127.0.0.1:8000\" }, as seen from the function")
            }
            if fields["apiPort"].isPresent { fields["apiPort"].fail("is of style \"first\"; allowed there only") }
        case .first:
            if backend.apiPort == nil { fields["apiPort"].fail("is missing; allowed: the server's port, 1 to 65535") }
            if backend.function == nil {
                fields["function"].fail("is missing; allowed: the UUID that FIRST's function is registered by")
            }
            if fields["direct"].isPresent {
                fields["direct"].fail(
                    "stands beside style \"first\", whose function proves itself to its own site only; allowed: with ours")
            }
            if server.isPresent { server.fail("is of style \"meshnode\"; FIRST's function takes apiPort") }
        }
        return backend
    }
}

extension GlobusComputeBackend.Status {
    static func decode(_ cursor: ConfigurationCursor) -> GlobusComputeBackend.Status {
        cursor.object { fields in
            GlobusComputeBackend.Status(
                function: fields["function"].optional { $0.uuid() },
                endpoint: fields["endpoint"].optional { $0.uuid() },
                isOn: true,
                order: fields["order"].optional { $0.jsonObject() },
                intervalSeconds: fields["intervalSeconds"].duration(in: 5...3600, default: 60))
        }
    }
}

extension GlobusComputeBackend.Direct {
    static func decode(_ cursor: ConfigurationCursor) -> GlobusComputeBackend.Direct {
        cursor.object { fields in
            GlobusComputeBackend.Direct(
                entrySites: fields["entrySites"].list(atLeast: 1, atMost: 64) { $0.label() },
                maxAgeSeconds: fields["maxAgeSeconds"].duration(
                    in: GlobusComputeBackend.directSecondsAllowed, default: 300))
        }
    }
}

extension ConfigurationCursor {
    /// A server's base URL, or a Unix socket's path, on another machine.
    func serverAddress() -> String {
        if case .string(let text) = value?.content, text.hasPrefix("unix:/"), text.utf8.count <= 108,
            Names.isVisible(text)
        {
            return text
        }
        return webAddress()
    }
}
