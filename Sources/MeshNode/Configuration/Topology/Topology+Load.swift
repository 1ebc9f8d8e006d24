import Globus
import Gossip
import Routing

extension Topology {
    /// Reads a topology.
    /// - Parameters:
    ///   - path: the file; relative paths in it begin at its directory.
    ///   - validatingFiles: whether the files that it names must exist and be readable (`meshnode check`).
    /// - Throws: everything wrong with the file.
    static func load(path: String, validatingFiles: Bool = false) throws(ConfigurationErrors) -> Topology {
        try Decoding.decode(path: path, validatingFiles: validatingFiles, decode)
    }

    static func decode(_ fields: ConfigurationFields) -> Topology {
        let names = UniqueNames()
        let ports = UniqueNames()
        let topology = Topology(
            federation: fields["federation"].federation(),
            description: fields["description"].optional { $0.string(length: 0...4096) },
            tokens: fields["tokens"].optional(Tokens.decode),
            timing: Timing.decode(fields["timing"]),
            loops: fields["loops"].integer(in: 0...NodeConfiguration.loopsAllowed, default: 0),
            limits: LimitConfiguration.decode(fields["limits"]),
            routing: RoutingPolicies.decode(fields["routing"]),
            authentication: AuthenticationConfiguration.decode(fields["authentication"]),
            access: AccessConfiguration.decode(fields["access"]),
            data: DataPolicy.decode(fields["data"]),
            keys: KeyConfiguration.decode(fields["keys"]),
            receipts: ReceiptConfiguration.decode(fields["receipts"]),
            sites: fields["sites"].list(atLeast: 1, atMost: sitesAllowed) {
                Site.decode($0, names: names, ports: ports, federation: fields["federation"])
            })
        topology.checkCarriers(fields["sites"])
        for site in topology.sites {
            for model in site.models {
                model.data.check(site.data ?? topology.data, model: model.id, path: model.path, by: fields["sites"])
            }
        }
        let models = topology.sites.reduce(0) { $0 + $1.models.count }
        if models > modelsAllowed {
            fields["sites"].fail("found \(models) models in all sites together; allowed: at most \(modelsAllowed)")
        }
        return topology
    }
}

extension Topology.Tokens {
    static func decode(_ cursor: ConfigurationCursor) -> Topology.Tokens {
        cursor.object { fields in
            let values = UniqueNames()
            func token(_ key: String) -> String {
                let text = fields[key].string(length: 16...256, allowed: "a token in visible ASCII", where: Names.isVisible)
                values.claim(text, by: fields[key])
                return text
            }
            return Topology.Tokens(user: token("user"), viewer: token("viewer"), operator: token("operator"))
        }
    }
}

extension Topology.Timing {
    static func decode(_ cursor: ConfigurationCursor) -> Topology.Timing {
        cursor.objectOrDefaults { fields in
            Topology.Timing(
                timeouts: TimeoutConfiguration.decode(fields["timeouts"]),
                health: HealthConfiguration.decode(fields["health"]))
        }
    }
}

extension Topology.Site {
    static func decode(
        _ cursor: ConfigurationCursor, names: UniqueNames, ports: UniqueNames, federation: ConfigurationCursor
    ) -> Topology.Site {
        cursor.object { fields in
            let site = fields["site"].label()
            names.claim(site, by: fields["site"])
            let models = UniqueNames()
            return Topology.Site(
                site: site,
                nodes: nodes(fields["nodes"], site: site, ports: ports),
                models: fields["models"].list(atMost: Topology.modelsAllowed) { Topology.Model.decode($0, names: models) },
                authentication: fields["authentication"].optional(AuthenticationConfiguration.decode),
                access: fields["access"].optional(AccessConfiguration.decode),
                data: fields["data"].optional(DataPolicy.decode),
                keys: fields["keys"].optional(KeyConfiguration.decode),
                outboundOnly: fields["outboundOnly"].boolean(default: false),
                carriers: fields["carriers"].list(atMost: OutboundConfiguration.carriersAllowed) { item in
                    item.string(length: 1...127, allowed: "a site such as site-a, or a node such as site-a/a1")
                },
                links: LinkConfiguration.decode(fields["links"], own: federation),
                vouches: fields["vouches"].optional { cursor in
                    cursor.list(atMost: Vouching.domainsAllowed) { $0.domainOrAny() }
                } ?? [Vouching.any])
        }
    }

    /// Left out, a site has one node named by its first letter, such as `a1`.
    private static func nodes(_ cursor: ConfigurationCursor, site: String, ports: UniqueNames) -> [Topology.Node] {
        guard cursor.isPresent else { return [Topology.Node(node: "\(site.prefix(1))1")] }
        let names = UniqueNames()
        return cursor.list(atLeast: 1, atMost: Topology.nodesPerSiteAllowed) { item in
            item.object { fields in
                let node = Topology.Node(
                    node: fields["node"].label(),
                    apiPort: fields["apiPort"].integer(in: 0...65535, default: 0),
                    meshPort: fields["meshPort"].integer(in: 0...65535, default: 0))
                names.claim(node.node, by: fields["node"])
                if node.apiPort > 0 { ports.claim("\(node.apiPort)", by: fields["apiPort"]) }
                if node.meshPort > 0 { ports.claim("\(node.meshPort)", by: fields["meshPort"]) }
                return node
            }
        }
    }
}

extension Topology.Model {
    static func decode(_ cursor: ConfigurationCursor, names: UniqueNames) -> Topology.Model {
        cursor.object { fields in
            let description = ModelDescription.decode(fields)
            let backend: Topology.Backend = BackendConfiguration.decode(
                fields["backend"], { .given($0) },
                simulated: { .simulated(SimulatedServer.decode($0, contextTokens: description.contextTokens)) },
                globusCompute: { EmulatedEndpoint.decode($0, description).map { .emulatedGlobus($0) } })
            return Topology.Model(
                id: ModelConfiguration.decodeName(fields["id"], names),
                aliases: fields["aliases"].list(atMost: ModelConfiguration.aliasesAllowed) {
                    ModelConfiguration.decodeName($0, names)
                },
                state: fields["state"].enumeration(Topology.State.self, default: .running),
                backend: backend,
                description: description,
                policy: fields["policy"].enumeration(ModelConfiguration.Policy.self, default: .federation),
                access: fields["access"].optional(AccessRule.decode),
                admission: AdmissionConfiguration.decode(fields["admission"]),
                data: ModelDataConfiguration.decode(fields),
                start: fields["start"].optional {
                    Starter.Settings.decode($0, isByCommand: !backend.startsByRequest)
                })
        }
    }
}

extension EmulatedEndpoint {
    /// nil without `emulated`: the endpoint is a real one then.
    static func decode(_ fields: ConfigurationFields, _ description: ModelDescription) -> EmulatedEndpoint? {
        guard fields.holds("emulated") else { return nil }
        return fields["emulated"].object { own in
            let server: Server
            if own["simulated"].isPresent {
                server = .simulated(
                    own["simulated"].object { SimulatedServer.decode($0, contextTokens: description.contextTokens) })
                if own["url"].isPresent { own["url"].fail("stands beside simulated; allowed: one of the two") }
            } else {
                server = .url(own["url"].webAddress())
            }
            let functionFile = own["functionFile"].optional { $0.file() }
            let functionName = own["functionName"].optional {
                $0.string(length: 1...255, allowed: "the name of a Python function", where: FunctionRegistration.isName)
            }
            var backend = GlobusComputeBackend(endpoint: "", style: functionFile == nil ? .meshnode : .first)
            backend.slots = fields["slots"].optional { $0.integer(in: 1...100_000) }
            backend.upstreamModel = fields["upstreamModel"].optional {
                $0.string(length: 1...512, allowed: "a model's name")
            }
            backend.deadlineSeconds = fields["deadlineSeconds"].duration(
                in: GlobusComputeBackend.deadlineSecondsAllowed, default: 3600)
            if fields["status"].isPresent { backend.status = GlobusComputeBackend.Status.decode(fields["status"]) }
            backend.direct = fields["direct"].optional(GlobusComputeBackend.Direct.decode)
            return EmulatedEndpoint(
                server: server, workers: own["workers"].integer(in: workersAllowed, default: 8),
                agent: own["agent"].optional { $0.string(length: 1...32, allowed: "a version such as 4.19.0") } ?? "4.19.0",
                functionFile: functionFile, functionName: functionName, backend: backend)
        }
    }
}

extension SimulatedServer {
    /// - Parameter contextTokens: what the model declares; the server's own figure where it gives none.
    static func decode(_ fields: ConfigurationFields, contextTokens: Int?) -> SimulatedServer {
        let own = SimulatedServer()
        return SimulatedServer(
            timeToFirstTokenSeconds: fields["timeToFirstTokenSeconds"].duration(
                in: timeToFirstTokenSecondsAllowed, default: own.timeToFirstTokenSeconds),
            tokensPerSecond: fields["tokensPerSecond"].number(in: tokensPerSecondAllowed, default: own.tokensPerSecond),
            slots: fields["slots"].integer(in: slotsAllowed, default: own.slots),
            startupSeconds: fields["startupSeconds"].duration(in: startupSecondsAllowed, default: own.startupSeconds),
            failureRate: fields["failureRate"].number(in: failureRateAllowed, default: own.failureRate),
            contextTokens: fields["contextTokens"].integer(
                in: ModelDescription.contextTokensAllowed, default: contextTokens ?? own.contextTokens))
    }
}
