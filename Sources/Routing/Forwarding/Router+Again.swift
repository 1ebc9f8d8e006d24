import Gossip

/// What a request knew of the mesh when it came may be minutes old by the time that a place fails it: it stood in line there. A place
/// that was down then may be up, and one that failed it may have answered others since.
extension Router {
    /// Other places to try when those that a request began with are all spent; nil where it ends.
    ///
    /// They come from the view as it is now, and one of them must be such that the choice would pick it first: it was not running
    /// before, or is new, or has come back. A place that turned this request away is none: it would do so again.
    func placesNow(
        after spent: ModelRoutes, _ request: borrowing ForwardRequest, _ progress: inout Progress, now: UInt64
    ) -> ModelRoutes? {
        guard progress.failures > 0, progress.failures <= progress.journey.limits.failovers,
            let routes = view.routes[spent.id]
        else { return nil }
        let isAny = routes.candidates.contains { candidate in
            !progress.turnedAway.contains(candidate.node)
                && choice.exclusion(of: candidate, for: request.needs, now: now) == nil
        }
        guard isAny else { return nil }
        var unreached: UInt64 = 0
        for (index, candidate) in routes.candidates.enumerated() {
            let before = spent.candidates.firstIndex { $0.node == candidate.node }
            if let before, progress.unreached & (1 << UInt64(before)) != 0 { unreached |= 1 << UInt64(index) }
        }
        progress.unreached = unreached
        progress.journey = Journey()
        progress.receipt.goesOn(among: routes.candidates)
        return routes
    }
}

extension Router.Progress {
    /// A failure is to be told; one that says when to come again is told before one that knows nothing but that nobody was there.
    mutating func failed(_ failure: RoutingFailure) {
        failures += 1
        if let last = lastFailure, last.kind == .overloaded, failure.kind == .unreachable, failure.answer == nil { return }
        lastFailure = failure
    }
}
