/// How a peer has behaved towards us: what it handed over that no honest node does, and how often it asked.
struct Standing: Sendable {
    private(set) var score = 0.0
    private var scoredAt: Instant
    private(set) var isGreylisted = false
    /// Accusations that turned out wrong.
    private var wrongClaims = 0.0
    private var requests: Double
    private var askedAt: Instant

    init(_ settings: Settings, now: Instant) {
        scoredAt = now
        askedAt = now
        requests = settings.requestsPerPeer * Standing.burst
    }

    /// Seconds' worth of requests that may come at once.
    static let burst = 8.0

    /// Time forgives: a greylisted peer is let in again when half of what greylisted it is forgiven.
    mutating func forgive(_ settings: Settings, now: Instant) {
        let points = now.seconds(since: scoredAt) / settings.forgivenessSeconds
        guard points > 0 else { return }
        scoredAt = now
        score = max(0, score - points)
        wrongClaims = max(0, wrongClaims - points)
        if isGreylisted, score < settings.greylistScore / 2 { isGreylisted = false }
    }

    /// - Returns: whether it is greylisted by this.
    mutating func penalise(_ points: Double, _ settings: Settings, now: Instant) -> Bool {
        forgive(settings, now: now)
        // Bounded, so that it ends some time.
        score = min(score + points, settings.greylistScore * 4)
        guard score >= settings.greylistScore, !isGreylisted else { return false }
        isGreylisted = true
        return true
    }

    mutating func wasWrong(_ settings: Settings, now: Instant) {
        forgive(settings, now: now)
        wrongClaims = min(wrongClaims + 1, settings.falseClaims * 4)
    }

    /// Whether so many of its accusations were wrong that it is not listened to: most likely the fault is its own.
    func criesWolf(_ settings: Settings) -> Bool { wrongClaims >= settings.falseClaims }

    /// Whether one more request may come now.
    mutating func mayAsk(_ settings: Settings, now: Instant) -> Bool {
        let most = settings.requestsPerPeer * Standing.burst
        requests = min(most, requests + now.seconds(since: askedAt) * settings.requestsPerPeer)
        askedAt = now
        guard requests >= 1 else { return false }
        requests -= 1
        return true
    }
}

extension RecordRefusal {
    /// Penalty points for the peer that handed the record over. What honest nodes pass on in the course of things costs nothing: they
    /// check what they take, but their clocks, their lists of revocations and their news may differ from ours.
    var penalty: Double {
        switch self {
        case .malformed, .badSignature, .foreignFederation, .wrongOrigin, .oversized: 5
        case .unknownOrigin, .futureDated, .expired, .revoked, .equivocation, .stale, .buried, .full: 0
        }
    }
}
