import Routing

/// `routing` of a configuration: which policy requests follow, and which some models' do.
extension RoutingPolicies {
    static let modelsAllowed = 256
    static let sitesAllowed = 64

    static func decode(_ cursor: ConfigurationCursor) -> RoutingPolicies {
        cursor.objectOrDefaults { fields in
            let names = UniqueNames()
            var policies = RoutingPolicies(usual: Rule.decode(fields))
            let models = fields["models"].list(atMost: modelsAllowed) { item in
                item.object { own in
                    let id = own["id"].modelName()
                    names.claim(id, by: own["id"])
                    return (id, Rule.decode(own))
                }
            }
            for (id, rule) in models { policies.models[id] = rule }
            if fields["hedge"].isPresent { policies.hedge = fields["hedge"].object(HedgeRule.decode) }
            return policies
        }
    }

    func render(_ out: inout ConfigurationWriter) {
        guard self != RoutingPolicies() else { return }
        out.comment("How sites are chosen: docs/routing.md.")
        out.object("routing") { out in
            usual.render(&out)
            out.list("models", models.sorted { $0.key < $1.key }) { out, model in
                out.field("id", .text(model.key))
                model.value.render(&out)
            }
            hedge?.render(&out)
        }
    }
}

extension RoutingPolicies.Rule {
    fileprivate static func decode(_ fields: ConfigurationFields) -> Self {
        let names = UniqueNames()
        let policy = fields["policy"].enumeration(RoutingPolicy.self, default: .best)
        let sites = fields["sites"].list(atMost: RoutingPolicies.sitesAllowed) { item in
            let site = item.string(
                length: 1...190, allowed: "a site such as site-a, or of a linked federation site-a.federation")
            names.claim(site, by: item)
            return site
        }
        if policy == .pinned, sites.isEmpty {
            fields["policy"].fail("pinned needs sites; allowed: beside sites: [\"SITE\", …], in their order")
        }
        if policy != .pinned, !sites.isEmpty {
            fields["sites"].fail(
                "there are sites, which \(policy.rawValue) has no use for; allowed: beside policy: \"pinned\"")
        }
        return Self(policy, sites: sites)
    }

    fileprivate func render(_ out: inout ConfigurationWriter) {
        out.field("policy", .text(policy.rawValue))
        if !sites.isEmpty { out.field("sites", .texts(sites)) }
    }
}

extension HedgeRule {
    fileprivate static func decode(_ fields: ConfigurationFields) -> Self {
        Self(
            promptTokens: fields["promptTokens"].integer(in: 1...8192, default: Self().promptTokens),
            share: fields["share"].number(in: 0.0001...mostShare, default: mostShare))
    }

    fileprivate func render(_ out: inout ConfigurationWriter) {
        out.object("hedge") { out in
            out.field("promptTokens", .integer(promptTokens))
            out.field("share", .number(share))
        }
    }
}
