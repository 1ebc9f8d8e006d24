import Gossip

/// What to do for a request whose model runs nowhere just now: a pure function, which all nodes answer alike.
///
/// One that is starting already is waited for. Otherwise one site is elected among those whose own policy consents to start the model for
/// this node's users: the soonest, to the minute, and of those the first in the order that rendezvous hashing gives to the model's places, so that nodes
/// that ask at the same moment start one and not two.
enum ColdPlan: Equatable {
    /// Nobody would start it.
    case none
    /// A place is starting it, and will answer in so many seconds; nil: nobody has told.
    case wait(index: Int, seconds: Double?)
    /// This place is to be asked to start it.
    case start(index: Int, seconds: Double?)

    /// Seconds that a start is taken to take where nobody has told: to choose by, never to be told to anyone as if it were known.
    static let usualSeconds = StartOffer.usualSeconds

    /// - Parameters:
    ///   - site: this node's own, whose users ask.
    ///   - declined: bit i set: candidate i is neither to be waited for nor to be started.
    static func plan(
        _ candidates: [Candidate], for needs: RequestNeeds, _ choice: Choice, site: String, declined: UInt64 = 0
    ) -> ColdPlan {
        var awaited: (index: Int, seconds: Double?)?
        var elected: (index: Int, seconds: Double?, minutes: Int, weight: UInt64)?
        for (index, candidate) in candidates.enumerated() where declined & (1 << UInt64(index)) == 0 {
            guard choice.exclusion(of: candidate, for: needs, asIfRunning: true) == nil else { continue }
            let variant = candidate.variant
            switch variant.state {
            case .starting, .queued:
                let seconds = (variant.etaSeconds ?? variant.start?.toldSeconds).map(believable)
                if awaited.map({ seconds ?? usualSeconds < $0.seconds ?? usualSeconds }) ?? true {
                    awaited = (index, seconds)
                }
            case .stopped:
                guard let offer = variant.start, isFor(site, candidate, offer) else { continue }
                let minutes = Int(offer.seconds / 60)
                let weight = Choice.mix(key(variant.id) ^ UInt64(candidate.tag) &* 0x9e37_79b9_7f4a_7c15)
                if let best = elected, (best.minutes, best.weight) <= (minutes, weight) { continue }
                elected = (index, offer.toldSeconds, minutes, weight)
            default: continue
            }
        }
        if let awaited { return .wait(index: awaited.index, seconds: awaited.seconds) }
        return elected.map { .start(index: $0.index, seconds: $0.seconds) } ?? .none
    }

    /// What a peer says may be any number.
    private static func believable(_ seconds: Double) -> Double {
        seconds > 0 ? min(seconds, StartOffer.secondsAllowed.upperBound) : 0
    }

    private static func isFor(_ site: String, _ candidate: Candidate, _ offer: StartOffer) -> Bool {
        candidate.isLocal || (candidate.node.federation == nil && candidate.node.site == site) || offer.isFor(site)
    }

    private static func key(_ model: String) -> UInt64 { UInt64(AffinityKey.tag(model)) &* 0xff51_afd7_ed55_8ccd }
}
