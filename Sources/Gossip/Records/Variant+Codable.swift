extension Variant {
    private enum Key: String, CodingKey {
        case id, aliases, state, backend, repository, revision, dtype, contextTokens, capabilities, engine, engineVersion
        case etaSeconds, walltimeRemainingSeconds, policy, access, direct, start
        case highAssurance, dataClasses, path
    }

    /// Reads a peer's. Records of before there were rules have no `access`.
    ///
    /// - Throws: for more rules than `NamedRule.allowed`, or names longer than a rule's entries may be.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        let access = try members.decodeIfPresent([NamedRule].self, forKey: .access) ?? []
        guard access.count <= NamedRule.allowed,
            access.allSatisfy({ $0.name.utf8.count <= NamedRule.nameBytesAllowed })
        else {
            throw DecodingError.dataCorruptedError(forKey: .access, in: members, debugDescription: "too many rules")
        }
        let dataClasses = try members.decodeIfPresent([String].self, forKey: .dataClasses) ?? []
        guard dataClasses.count <= DataClass.allowed,
            dataClasses.allSatisfy({ $0.utf8.count <= DataClass.nameBytesAllowed })
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .dataClasses, in: members, debugDescription: "too many classes of data")
        }
        // A way that this version does not know is none that any class allows.
        let path = try members.decodeIfPresent(String.self, forKey: .path).flatMap { DataPath(rawValue: $0) }
        self.init(
            id: try members.decode(String.self, forKey: .id), aliases: try members.decode([String].self, forKey: .aliases),
            state: try members.decode(ModelState.self, forKey: .state),
            backend: try members.decode(String.self, forKey: .backend),
            repository: try members.decode(Fact<String>.self, forKey: .repository),
            revision: try members.decode(Fact<String>.self, forKey: .revision),
            dtype: try members.decode(Fact<String>.self, forKey: .dtype),
            contextTokens: try members.decode(Fact<Int>.self, forKey: .contextTokens),
            capabilities: try members.decode(Fact<[String]>.self, forKey: .capabilities),
            engine: try members.decode(Fact<String>.self, forKey: .engine),
            engineVersion: try members.decode(Fact<String>.self, forKey: .engineVersion),
            etaSeconds: try members.decodeIfPresent(Double.self, forKey: .etaSeconds),
            walltimeRemainingSeconds: try members.decodeIfPresent(Double.self, forKey: .walltimeRemainingSeconds),
            policy: try members.decode(String.self, forKey: .policy), access: access,
            direct: try members.decodeIfPresent(DirectOffer.self, forKey: .direct),
            start: try members.decodeIfPresent(StartOffer.self, forKey: .start),
            highAssurance: try members.decodeIfPresent(Bool.self, forKey: .highAssurance) ?? false,
            dataClasses: dataClasses, path: path)
    }

    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Key.self)
        try members.encode(id, forKey: .id)
        try members.encode(aliases, forKey: .aliases)
        try members.encode(state, forKey: .state)
        try members.encode(backend, forKey: .backend)
        try members.encode(repository, forKey: .repository)
        try members.encode(revision, forKey: .revision)
        try members.encode(dtype, forKey: .dtype)
        try members.encode(contextTokens, forKey: .contextTokens)
        try members.encode(capabilities, forKey: .capabilities)
        try members.encode(engine, forKey: .engine)
        try members.encode(engineVersion, forKey: .engineVersion)
        try members.encodeIfPresent(etaSeconds, forKey: .etaSeconds)
        try members.encodeIfPresent(walltimeRemainingSeconds, forKey: .walltimeRemainingSeconds)
        try members.encode(policy, forKey: .policy)
        // Left out where there are none, as before there were any.
        if !access.isEmpty { try members.encode(access, forKey: .access) }
        try members.encodeIfPresent(direct, forKey: .direct)
        try members.encodeIfPresent(start, forKey: .start)
        if highAssurance { try members.encode(true, forKey: .highAssurance) }
        if !dataClasses.isEmpty { try members.encode(dataClasses, forKey: .dataClasses) }
        try members.encodeIfPresent(path, forKey: .path)
    }
}
