/// Which policy each model's requests follow at this node.
public struct RoutingPolicies: Sendable, Equatable {
    /// A policy and, where it is `pinned`, its sites in their order.
    public struct Rule: Sendable, Equatable {
        public var policy: RoutingPolicy
        public var sites: [String]

        public init(_ policy: RoutingPolicy = .best, sites: [String] = []) {
            self.policy = policy
            self.sites = sites
        }
    }

    /// Of models that have none of their own.
    public var usual: Rule
    /// By the model's id.
    public var models: [String: Rule]
    /// nil: no request is sent to two places at once.
    public var hedge: HedgeRule?

    public init(usual: Rule = Rule(), models: [String: Rule] = [:], hedge: HedgeRule? = nil) {
        self.usual = usual
        self.models = models
        self.hedge = hedge
    }

    /// Puts a model's policy into what a request needs.
    public func apply(to needs: inout RequestNeeds, model: String) {
        let rule = models.isEmpty ? usual : models[model] ?? usual
        needs.policy = rule.policy
        needs.order = rule.policy == .pinned ? rule.sites : nil
    }
}
