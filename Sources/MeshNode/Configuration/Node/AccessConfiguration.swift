import Gossip

/// Who may use a node: rules for the whole federation and for the site, and who has which role.
struct AccessConfiguration: Equatable, Sendable {
    /// For whatever comes to this node, by its own port or another node's, whichever site serves it.
    var federation: AccessRule?
    /// For the models of this site.
    var site: AccessRule?
    var roles = RoleRules()
    /// By entry site, the domains of users for whom its word is taken, where that is less than its admission gives it.
    var vouching: [String: [String]] = [:]

    /// Rules by which a user who logged in with Globus gets a role, the highest that admits. Without a rule for `user`
    /// everyone who may log in is one; without one for the others nobody is.
    struct RoleRules: Equatable, Sendable {
        var `operator`: AccessRule?
        var viewer: AccessRule?
        var user: AccessRule?
    }
}

extension NodeConfiguration {
    /// What holds for all that comes to this node.
    var entryRules: [NamedRule] {
        [access.federation.map { NamedRule(name: "the federation \(federation)", rule: $0) }].compactMap { $0 }
    }

    /// All that holds for one of this site's models; other nodes are told these and check them too.
    func rules(of model: ModelConfiguration) -> [NamedRule] {
        entryRules
            + [
                access.site.map { NamedRule(name: "site \(site)", rule: $0) },
                model.access.map { NamedRule(name: "model \(model.id) at \(site)", rule: $0) },
            ].compactMap { $0 }
    }
}

extension AccessConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> AccessConfiguration {
        cursor.objectOrDefaults { fields in
            AccessConfiguration(
                federation: fields["federation"].optional(AccessRule.decode),
                site: fields["site"].optional(AccessRule.decode),
                roles: fields["roles"].objectOrDefaults { roles in
                    RoleRules(
                        operator: roles["operator"].optional(AccessRule.decode),
                        viewer: roles["viewer"].optional(AccessRule.decode),
                        user: roles["user"].optional(AccessRule.decode))
                },
                vouching: decodeVouching(fields["vouching"]))
        }
    }

    /// An empty list is allowed: that site's word is taken for nobody.
    private static func decodeVouching(_ cursor: ConfigurationCursor) -> [String: [String]] {
        cursor.objectOrDefaults { fields in
            let entries = fields.entries()
            if entries.count > Vouching.sitesAllowed {
                cursor.fail("found \(entries.count) sites; allowed: at most \(Vouching.sitesAllowed)")
            }
            var vouching: [String: [String]] = [:]
            for (site, domains, _) in entries.prefix(Vouching.sitesAllowed) {
                if !Names.isLabel(site) {
                    domains.fail("stands under \(Quoting.excerpt(site)); allowed: a site's name (a-z, 0-9, and - inside)")
                }
                vouching[site] = domains.list(atMost: Vouching.domainsAllowed) { $0.domainOrAny() }
            }
            return vouching
        }
    }

    func render(_ out: inout ConfigurationWriter) {
        guard self != AccessConfiguration() else { return }
        out.line()
        out.comment("Who may use what, beside having a token.")
        out.object("access") { out in
            federation?.render("federation", &out)
            site?.render("site", &out)
            if !vouching.isEmpty {
                out.object("vouching") { out in
                    for (site, domains) in vouching.sorted(by: { $0.key < $1.key }) {
                        out.field(Quoting.json(site), .texts(domains))
                    }
                }
            }
            guard roles != RoleRules() else { return }
            out.object("roles") { out in
                roles.operator?.render("operator", &out)
                roles.viewer?.render("viewer", &out)
                roles.user?.render("user", &out)
            }
        }
    }
}

extension AccessRule {
    static let loginAgeSecondsAllowed = 60...31_536_000

    /// Reads a rule. One that says nothing is an error: it would look like a lock and admit everyone.
    static func decode(_ cursor: ConfigurationCursor) -> AccessRule {
        cursor.object { fields in
            let rule = AccessRule(
                domains: fields["domains"].list(atMost: entriesAllowed) { $0.domain() },
                identityProviders: fields["identityProviders"].list(atMost: entriesAllowed) { $0.uuid() },
                groups: fields["groups"].list(atMost: entriesAllowed) { $0.uuid() },
                policies: fields["policies"].list(atMost: entriesAllowed) { $0.uuid() },
                users: fields["users"].list(atMost: entriesAllowed) {
                    $0.string(length: 1...entryBytesAllowed, allowed: "a user name or subject", where: Names.isVisible)
                },
                authenticatedWithinSeconds: fields["authenticatedWithinSeconds"].optional {
                    UInt64($0.integer(in: loginAgeSecondsAllowed))
                })
            if cursor.isPresent, rule.isEmpty {
                cursor.fail("has nothing in it and would admit everyone; leave it out, or say who is admitted")
            }
            return rule
        }
    }

    func render(_ key: String, _ out: inout ConfigurationWriter) {
        out.object(key) { out in
            for (name, entries) in [
                ("domains", domains), ("identityProviders", identityProviders), ("groups", groups), ("policies", policies),
                ("users", users),
            ] where !entries.isEmpty {
                out.field(name, .texts(entries))
            }
            out.field("authenticatedWithinSeconds", authenticatedWithinSeconds.map { .integer(Int($0)) })
        }
    }
}

extension ConfigurationCursor {
    /// A domain of an identity provider in lower case, or `*` for all.
    func domainOrAny() -> String { holds(Vouching.any) ? Vouching.any : domain() }

    /// A domain of an identity provider, given back in lower case.
    func domain() -> String {
        string(length: 1...253, allowed: "a domain such as anl.gov") { text in
            text.lowercased().split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
                Names.isLabel(String($0))
            }
        }.lowercased()
    }
}
