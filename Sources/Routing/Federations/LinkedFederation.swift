public import Gossip

/// What this node agreed with another federation: what of ours its users may use, and what of theirs ours may. The two are never
/// merged: nothing of gossip, and nothing that an operator says, crosses a link.
public struct LinkedFederation: Sendable, Equatable {
    /// Its name, which its nodes' certificates carry.
    public var federation: String
    /// Our models that are offered to it, by id; `*`: all of this node's.
    public var offers: [String]
    /// Which of its users they are offered to, beside what the models' own rules say; an empty rule: all.
    public var users: AccessRule
    /// Domains of users for whom its sites may vouch here; `*`: any.
    public var vouches: [String]
    /// Its models that our users may use, by id; `*`: all that it offers.
    public var takes: [String]

    public static let any = "*"
    /// Federations that a node may be linked with, and models in one list.
    public static let allowed = 16
    public static let modelsAllowed = 256

    public init(
        federation: String, offers: [String] = [], users: AccessRule = AccessRule(), vouches: [String] = [],
        takes: [String] = []
    ) {
        self.federation = federation
        self.offers = offers
        self.users = users
        self.vouches = vouches
        self.takes = takes
    }

    /// Whether a model of ours is offered to it. What stays at its site, or takes nobody's word, never is.
    public func offers(_ variant: Variant) -> Bool {
        variant.policy != "local" && !variant.highAssurance && (offers.contains(variant.id) || offers.contains(Self.any))
    }

    public func takes(_ model: String) -> Bool { takes.contains(model) || takes.contains(Self.any) }

    /// The rule that stands on our models for its users, if there is one.
    public var rule: NamedRule? {
        users.isEmpty ? nil : NamedRule(name: "the link with \(federation)", rule: users)
    }
}

extension [LinkedFederation] {
    /// What a node's catalog says that it offers, by federation; nil: nothing.
    public func offered(of models: [Variant]) -> [String: [String]]? {
        var offered: [String: [String]] = [:]
        for link in self {
            let ids = models.filter(link.offers).map(\.id)
            if !ids.isEmpty { offered[link.federation] = ids }
        }
        return offered.isEmpty ? nil : offered
    }
}
