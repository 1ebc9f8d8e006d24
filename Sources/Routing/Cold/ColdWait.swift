import Gossip

/// One request's wait for a model that runs nowhere: by whom it was promised, and who has let it down.
struct ColdWait {
    /// A start that is late by this part of what was promised is not relied on any more.
    static let slip = 0.5
    /// Reasons that are remembered, to be told.
    static let refusalsKept = 8

    private var declined: [NodeID] = []
    private var refusals: [String] = []
    private var promise: (node: NodeID, made: UInt64, seconds: Double)?

    init() {}

    /// Bit i set: candidate i is neither to be waited for nor to be started.
    func mask(_ candidates: [Candidate]) -> UInt64 {
        guard !declined.isEmpty else { return 0 }
        var mask: UInt64 = 0
        for (index, candidate) in candidates.enumerated() where declined.contains(candidate.node) {
            mask |= 1 << UInt64(index)
        }
        return mask
    }

    /// A place would not start it.
    mutating func refused(_ node: NodeID, _ why: String) {
        declined.append(node)
        if refusals.count < Self.refusalsKept { refusals.append("\(node.siteName): \(why)") }
    }

    /// A place is waited for. What is late may never come: it is not waited for any longer, so that another one is started beside it.
    ///
    /// - Parameters:
    ///   - seconds: as the place tells now; nil: it does not.
    ///   - now: monotonic nanoseconds.
    /// - Returns: seconds that are left, guessed where nobody has told.
    mutating func waits(for node: NodeID, seconds: Double?, now: UInt64) -> Double {
        if promise?.node != node { promise = (node, now, seconds ?? ColdPlan.usualSeconds) }
        guard let promise else { return 0 }
        let waited = Double(now - min(promise.made, now)) * 1e-9
        if waited > max(promise.seconds, 1) * (1 + Self.slip) { declined.append(node) }
        return seconds ?? max(promise.seconds - waited, 0)
    }

    /// Why it can be had nowhere, with what those said who were asked to start it.
    func told(_ failure: RoutingFailure) -> RoutingFailure {
        guard !refusals.isEmpty else { return failure }
        var told = failure
        told.message += "; asked to start it: " + refusals.joined(separator: "; ")
        return told
    }
}

extension RoutingFailure {
    /// Seconds after which a client may ask again where nobody knows when a model will run.
    static let unknownStartRetrySeconds = 60

    /// A model that will not run before the client's patience ends.
    ///
    /// - Parameter seconds: until it is expected; nil or 0: nobody knows, or it is late.
    static func notYet(_ model: String, at site: String, _ seconds: Double?) -> RoutingFailure {
        guard let seconds, seconds > 0 else {
            let why = seconds == nil ? "nobody knows when it will run" : "it is late"
            var failure = RoutingFailure(
                .noneRunning, status: 503, "\(model) is being started at site \(site): \(why)",
                retryAfterSeconds: unknownStartRetrySeconds)
            failure.site = site
            return failure
        }
        let whole = Int(min(seconds.rounded(.up), StartOffer.secondsAllowed.upperBound))
        var failure = RoutingFailure(
            .noneRunning, status: 503, "\(model) is being started at site \(site) and is expected in \(whole) s",
            retryAfterSeconds: max(1, min(whole, 600)))
        failure.etaSeconds = seconds.rounded(.up)
        failure.site = site
        return failure
    }

    /// A place that was believed to run a model does not.
    static func stale(_ message: String) -> RoutingFailure {
        var failure = RoutingFailure(.noneRunning, status: 503, message, retryAfterSeconds: 10)
        failure.isStale = true
        return failure
    }
}
