import Gossip

extension RoutingFailure {
    /// Why policy lets a request run nowhere.
    ///
    /// - Parameters:
    ///   - first: of the exclusions, all of which are policy's.
    ///   - serving: all of them, each with its site.
    init(policy first: Exclusion, model: String, serving: String) {
        switch first {
        case .notVouched:
            self.init(.notVouched, status: 403, "no site that has \(model) may serve you from here: \(serving)")
        case .highAssurance: self.init(.highAssurance, status: 403, "\(model) cannot be had from here: \(serving)")
        case .data: self.init(.dataPolicy, status: 403, "your data may not go to \(model): \(serving)")
        default: self.init(.forbidden, status: 403, "\(model) is not for you: \(first)")
        }
    }
}

extension Router {
    /// Why policy lets a request run at no candidate of a model; nil where it lets it run at one.
    public func policyFailure(_ routes: ModelRoutes, _ needs: RequestNeeds) -> RoutingFailure? {
        var first: Exclusion?
        var serving: [String] = []
        for candidate in routes.candidates {
            guard let exclusion = choice.policyExclusion(of: candidate, for: needs) else { return nil }
            first = first ?? exclusion
            serving.append("\(candidate.node.site): \(exclusion)")
        }
        return first.map { RoutingFailure(policy: $0, model: routes.id, serving: serving.joined(separator: "; ")) }
    }
}
