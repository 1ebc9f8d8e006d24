import Gossip

extension Choice {
    /// The hard rules: nil when the candidate may serve the request.
    ///
    /// - Parameter now: monotonic nanoseconds: tells also what is passed over while there are others.
    /// - Parameter asIfRunning: whatever state the model is in: what would stand against it if it were started.
    public func exclusion(
        of candidate: Candidate, for needs: RequestNeeds, now: UInt64? = nil, asIfRunning: Bool = false
    ) -> Exclusion? {
        if let sites = needs.sites, !sites.contains(candidate.node.siteName) { return .siteNotAllowed }
        if let block = block(on: candidate, for: needs) { return .blocked(block) }
        if let refused = policyExclusion(of: candidate, for: needs) { return refused }
        if candidate.nodeState != .alive, candidate.nodeState != .suspect { return .unreachable(candidate.nodeState) }
        if candidate.isDraining, !candidate.isLocal { return .draining }
        if !asIfRunning, candidate.variant.state != .running { return .notRunning(candidate.variant.state) }
        if !candidate.isLocal, candidate.variant.policy == "local" { return .localOnly }
        if let known = candidate.capabilities, !known.isSuperset(of: needs.capabilities) {
            return .lacks(needs.capabilities.subtracting(known))
        }
        if let context = candidate.variant.contextTokens.value, needs.contextTokens > context {
            return .contextTooShort(has: context, needs: needs.contextTokens)
        }
        if let revision = needs.revision, candidate.variant.revision.value != revision {
            return .otherRevision(candidate.variant.revision.value)
        }
        if let dtype = needs.dtype, candidate.variant.dtype.value != dtype {
            return .otherDtype(candidate.variant.dtype.value)
        }
        if let variant = needs.variant, VariantKey(of: candidate.variant) != variant { return .otherVariant }
        if needs.policy == .pinned, let order = needs.order, !order.contains(candidate.node.siteName) { return .notPinned }
        guard let now else { return nil }
        return passingOver(candidate.load.sample(), needs, now: now)
    }

    /// Why a candidate that may serve is passed over while there are others.
    func passingOver(_ load: LiveLoad.Sample, _ needs: RequestNeeds, now: UInt64) -> Exclusion? {
        isResting(load, now: now) ? .failedLately : endsTooSoon(load, needs, now: now)
    }

    /// A job's end cuts every answer under way: what will not be done by then goes elsewhere.
    func endsTooSoon(_ load: LiveLoad.Sample, _ needs: RequestNeeds, now: UInt64) -> Exclusion? {
        guard load.walltimeEnds != 0 else { return nil }
        let left = load.walltimeEnds > now ? Double(load.walltimeEnds - now) * 1e-9 : 0
        let speed = load.tokensPerSecond > 0 ? load.tokensPerSecond : settings.answerTokensPerSecond
        let takes = Double(needs.promptTokens) / settings.promptTokensPerSecond + Double(needs.answerTokens) / speed
        return left < takes + settings.walltimeMarginSeconds ? .endsTooSoon(leftSeconds: left, takesSeconds: takes) : nil
    }

    /// What this node's operator has blocked of it.
    public func block(on candidate: Candidate, for needs: RequestNeeds) -> Block? {
        guard let blocks = needs.blocks else { return nil }
        if let block = blocks.model(candidate.variant.id, nowSeconds: needs.nowSeconds) { return block }
        return candidate.isLocal ? nil : blocks.against(sendingTo: candidate.node, nowSeconds: needs.nowSeconds)
    }
}
