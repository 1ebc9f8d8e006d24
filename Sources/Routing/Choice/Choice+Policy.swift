import Gossip

extension Choice {
    /// What policy alone says, whatever the candidate is doing just now: where the data may go, whose word is taken there, and whom
    /// its site's rules admit. The serving site has the last word on all of it but residency.
    public func policyExclusion(of candidate: Candidate, for needs: RequestNeeds) -> Exclusion? {
        if !needs.data.isEmpty,
            let refusal = needs.data.refusal(by: candidate.variant, at: candidate.node.site, isAway: candidate.isAway)
        {
            return .data(refusal)
        }
        if candidate.variant.highAssurance, !candidate.isLocal { return .highAssurance(api: candidate.api) }
        if needs.ignoresAccess { return nil }
        guard let vouching = candidate.vouching, let user = needs.user?.identity else {
            return refused(candidate, needs.user?.identity, needs)
        }
        if let refusal = vouching.refusal(of: user) { return .notVouched(refusal) }
        // Its rules will see the user as it is told of one.
        return candidate.variant.access.isEmpty ? nil : refused(candidate, vouching.seen(user), needs)
    }

    private func refused(_ candidate: Candidate, _ user: UserIdentity?, _ needs: RequestNeeds) -> Exclusion? {
        if candidate.variant.access.isEmpty { return nil }
        return candidate.variant.access.refusal(of: user, nowSeconds: needs.nowSeconds).map { .forbidden($0) }
    }
}
