import Gossip
import Routing

extension ModelConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> [ModelConfiguration] {
        let names = UniqueNames()
        return cursor.list(atMost: NodeConfiguration.modelsAllowed) { item in
            item.object { fields in
                let backend = BackendConfiguration.decode(fields["backend"])
                return ModelConfiguration(
                    id: decodeName(fields["id"], names),
                    aliases: fields["aliases"].list(atMost: aliasesAllowed) { decodeName($0, names) },
                    backend: backend,
                    description: ModelDescription.decode(fields),
                    policy: fields["policy"].enumeration(Policy.self, default: .federation),
                    access: fields["access"].optional(AccessRule.decode),
                    admission: AdmissionConfiguration.decode(fields["admission"]),
                    data: ModelDataConfiguration.decode(fields),
                    start: fields["start"].optional {
                        Starter.Settings.decode($0, isByCommand: !backend.startsByRequest)
                    })
            }
        }
    }

    /// Ids and aliases share one space of names: a request gives either.
    static func decodeName(_ cursor: ConfigurationCursor, _ names: UniqueNames) -> String {
        let name = cursor.modelName()
        names.claim(name, by: cursor)
        return name
    }
}

extension ModelDescription {
    static let contextTokensAllowed = 1...100_000_000

    /// The fields stand beside `id`, in the model's own object.
    static func decode(_ fields: ConfigurationFields) -> ModelDescription {
        ModelDescription(
            repository: fields["repository"].optional(text),
            revision: fields["revision"].optional(text),
            dtype: fields["dtype"].optional(text),
            engine: fields["engine"].optional(text),
            contextTokens: fields["contextTokens"].optional { $0.integer(in: contextTokensAllowed) },
            capabilities: fields["capabilities"].optional { cursor in
                let names = UniqueNames()
                return cursor.list(atMost: ModelCapability.allCases.count) { item in
                    let capability = item.enumeration(ModelCapability.self)
                    names.claim(capability?.rawValue ?? "", by: item)
                    return capability ?? .chat
                }
            })
    }

    /// These go into response fields, so they are visible ASCII.
    private static func text(_ cursor: ConfigurationCursor) -> String {
        cursor.string(length: 1...256, allowed: "a text in visible ASCII", where: Names.isVisible)
    }
}

extension BackendConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> BackendConfiguration {
        decode(cursor, { $0 }, simulated: { .simulated(url: $0["url"].webAddress()) }, globusCompute: nil)
    }

    /// Reads a backend. A topology has stand-ins of its own kind: a simulated server's speed instead of its URL, an emulated endpoint.
    ///
    /// - Parameters:
    ///   - wrap: makes the caller's kind of backend of one that is the same everywhere.
    ///   - globusCompute: reads the caller's own form of it; nil where the fields are not of that form.
    static func decode<Backend>(
        _ cursor: ConfigurationCursor, _ wrap: (BackendConfiguration) -> Backend,
        simulated: (ConfigurationFields) -> Backend, globusCompute: ((ConfigurationFields) -> Backend?)?
    ) -> Backend {
        cursor.object { fields in
            let kind = fields["kind"]
            if cursor.isPresent, let choice = BackendKind.allCases.first(where: { kind.holds($0.rawValue) }) {
                checkPath(fields, kind: choice)
                switch choice {
                case .openai: return wrap(.openAI(OpenAIBackend.decode(fields)))
                case .simulated: return simulated(fields)
                case .globusCompute:
                    return globusCompute?(fields) ?? wrap(.globusCompute(GlobusComputeBackend.decode(fields)))
                case .first: return wrap(.first(FirstBackend.decode(fields)))
                }
            } else {
                kind.refuse(allowed: BackendKind.allowed)
            }
            // Which keys are right is not known without a kind: one error is enough.
            fields.ignoreUnknown()
            return wrap(.openAI(OpenAIBackend(url: "http://localhost")))
        }
    }
}

extension BackendKind {
    fileprivate static var allowed: String { "\"openai\", \"globusCompute\", \"first\", \"simulated\"" }
}

extension OpenAIBackend {
    static func decode(_ fields: ConfigurationFields) -> OpenAIBackend {
        let backend = OpenAIBackend(
            url: fields["url"].webAddress(),
            keyFile: fields["keyFile"].optional { $0.file() },
            keyEnvironment: fields["keyEnvironment"].optional { $0.environmentVariable() },
            tokenFile: fields["tokenFile"].optional { $0.file() },
            tokenCommand: TokenCommandConfiguration.decode(fields),
            caFile: fields["caFile"].optional { $0.file() },
            upstreamModel: fields["upstreamModel"].optional { $0.string(length: 1...512, allowed: "a model's name") },
            slots: fields["slots"].optional { $0.integer(in: 1...100_000) })
        fields.allowOne(of: ["keyFile", "keyEnvironment", "tokenFile", "tokenCommand"])
        checkCertificateFile(fields, url: backend.url)
        return backend
    }
    /// A root is of use for `https` only.
    static func checkCertificateFile(_ fields: ConfigurationFields, url: String) {
        guard fields["caFile"].isPresent, fields["url"].isPresent, WebAddress(url)?.scheme == "http" else { return }
        fields["caFile"].fail(
            "stands beside an http:// url, where no certificate is checked; allowed: with https:// only")
    }
}
