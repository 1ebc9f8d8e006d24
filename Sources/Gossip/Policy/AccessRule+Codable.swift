extension AccessRule: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private static let keys: Set<String> = [
        "domains", "identityProviders", "groups", "policies", "users", "authenticatedWithinSeconds",
    ]

    /// Reads a peer's rule. Lists left out are empty; a part that is not known makes the rule one that admits nobody.
    ///
    /// - Throws: for lists beyond `entriesAllowed` and entries beyond `entryBytesAllowed`.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        func list(_ name: String) throws -> [String] {
            let entries = try members.decodeIfPresent([String].self, forKey: Key(stringValue: name)) ?? []
            guard entries.count <= Self.entriesAllowed, entries.allSatisfy({ $0.utf8.count <= Self.entryBytesAllowed })
            else {
                throw DecodingError.dataCorrupted(
                    DecodingError.Context(codingPath: members.codingPath, debugDescription: "an access rule is too long"))
            }
            return entries
        }
        self.init(
            domains: try list("domains"), identityProviders: try list("identityProviders"), groups: try list("groups"),
            policies: try list("policies"), users: try list("users"),
            authenticatedWithinSeconds: try members.decodeIfPresent(
                UInt64.self, forKey: Key(stringValue: "authenticatedWithinSeconds")))
        isUnderstood = members.allKeys.allSatisfy { Self.keys.contains($0.stringValue) }
    }

    /// Writes what is there: catalogs hold many rules.
    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Key.self)
        for (name, entries) in [
            ("domains", domains), ("identityProviders", identityProviders), ("groups", groups), ("policies", policies),
            ("users", users),
        ] where !entries.isEmpty {
            try members.encode(entries, forKey: Key(stringValue: name))
        }
        try members.encodeIfPresent(authenticatedWithinSeconds, forKey: Key(stringValue: "authenticatedWithinSeconds"))
    }
}
