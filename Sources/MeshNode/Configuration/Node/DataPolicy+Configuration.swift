import Gossip

/// `data`: what a site says of data and of where its users' data may go.
extension DataPolicy {
    static func decode(_ cursor: ConfigurationCursor) -> DataPolicy {
        cursor.objectOrDefaults { fields in
            let classes = decodeClasses(fields["classes"])
            return DataPolicy(
                classes: classes,
                residency: fields["residency"].list(atMost: rulesAllowed) { item in
                    item.object { rule in
                        let sites = UniqueNames()
                        return Residency(
                            users: AccessRule.decodeUsers(rule),
                            sites: rule["sites"].list(atLeast: 1, atMost: Vouching.sitesAllowed) { site in
                                let name = site.label()
                                sites.claim(name, by: site)
                                return name
                            })
                    }
                },
                assumed: fields["assumed"].list(atMost: rulesAllowed) { item in
                    item.object { rule in
                        let name = rule["class"].label()
                        if rule["class"].isPresent, !name.isEmpty, !classes.contains(where: { $0.name == name }) {
                            rule["class"].fail(
                                "found \(rule["class"].found), which data.classes does not define; "
                                    + "allowed: \(Quoting.list(classes.map(\.name)))")
                        }
                        return Assumed(users: AccessRule.decodeUsers(rule), dataClass: name)
                    }
                })
        }
    }

    private static func decodeClasses(_ cursor: ConfigurationCursor) -> [DataClass] {
        cursor.objectOrDefaults { fields in
            let entries = fields.entries()
            if entries.count > DataClass.allowed {
                cursor.fail("found \(entries.count) classes; allowed: at most \(DataClass.allowed)")
            }
            return entries.prefix(DataClass.allowed).map { name, value, _ in
                if !Names.isLabel(name) {
                    value.fail("stands under \(Quoting.excerpt(name)); allowed: a name such as phi (a-z, 0-9, and - inside)")
                }
                return value.object { own in
                    let paths = own["paths"].list(atLeast: 1, atMost: DataPath.allCases.count) {
                        $0.enumeration(DataPath.self) ?? .onSite
                    }
                    return DataClass(
                        name: name, paths: Set(paths),
                        description: own["description"].optional { $0.string(length: 1...1024) })
                }
            }
        }
    }

    func render(_ out: inout ConfigurationWriter) {
        guard self != .none else { return }
        out.line()
        out.comment("Classes of data and the ways they may take, and where users' data may go.")
        out.object("data") { out in
            if !classes.isEmpty {
                out.object("classes") { out in
                    for known in classes {
                        out.object(Quoting.json(known.name)) { out in
                            out.field("paths", .texts(known.paths.names))
                            out.field("description", known.description.map { .text($0) })
                        }
                    }
                }
            }
            if !residency.isEmpty {
                out.list("residency", residency) { out, rule in
                    rule.users.renderUsers(&out)
                    out.field("sites", .texts(rule.sites))
                }
            }
            if !assumed.isEmpty {
                out.list("assumed", assumed) { out, rule in
                    rule.users.renderUsers(&out)
                    out.field("class", .text(rule.dataClass))
                }
            }
        }
    }
}

extension AccessRule {
    /// Whom a rule about data binds; the fields stand beside what it says of them. None binds everyone.
    static func decodeUsers(_ fields: ConfigurationFields) -> AccessRule {
        AccessRule(
            domains: fields["domains"].list(atMost: entriesAllowed) { $0.domain() },
            identityProviders: fields["identityProviders"].list(atMost: entriesAllowed) { $0.uuid() },
            groups: fields["groups"].list(atMost: entriesAllowed) { $0.uuid() },
            users: fields["users"].list(atMost: entriesAllowed) {
                $0.string(length: 1...entryBytesAllowed, allowed: "a user name or subject", where: Names.isVisible)
            })
    }

    func renderUsers(_ out: inout ConfigurationWriter) {
        for (name, entries) in [
            ("domains", domains), ("identityProviders", identityProviders), ("groups", groups), ("users", users),
        ] where !entries.isEmpty {
            out.field(name, .texts(entries))
        }
    }
}

extension Quoting {
    /// Names in a sentence.
    static func list(_ names: [String]) -> String {
        names.isEmpty ? "none is defined" : names.map { json($0) }.joined(separator: ", ")
    }
}
