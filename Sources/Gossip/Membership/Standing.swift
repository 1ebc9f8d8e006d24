/// How a peer has behaved towards us: what it handed over that no honest node does, and how often it asked.
struct Standing: Sendable {
    private(set) var score = 0.0
    private var scoredAt: Instant
    private(set) var isGreylisted = false
    /// Accusations that turned out wrong.
    private var wrongClaims = 0.0
    private var requests: TokenBucket
    private var replies: TokenBucket
    private var openings: TokenBucket

    init(_ settings: Settings, now: Instant) {
        scoredAt = now
        requests = TokenBucket(full: settings.requestsPerPeer * Standing.burst, now: now)
        replies = TokenBucket(full: settings.burstBytes * Standing.share, now: now)
        openings = TokenBucket(full: Standing.openingsPerSecond * Standing.burst, now: now)
    }

    /// Seconds' worth of requests that may come at once.
    private static let burst = 8.0
    /// Part of all that we may send that goes into replies to one peer.
    private static let share = 0.25
    /// Tokens a second that one peer may have us open: each is a signature to check.
    private static let openingsPerSecond = 128.0

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

    mutating func wasWrong(_ weight: Double, _ settings: Settings, now: Instant) {
        forgive(settings, now: now)
        wrongClaims = min(wrongClaims + weight, settings.falseClaims * 4)
    }

    /// Whether so many of its accusations were wrong that it is not listened to: most likely the fault is its own.
    func criesWolf(_ settings: Settings) -> Bool { wrongClaims >= settings.falseClaims }

    /// Whether one more request may come now.
    mutating func mayAsk(_ settings: Settings, now: Instant) -> Bool {
        requests.take(1, perSecond: settings.requestsPerPeer, full: settings.requestsPerPeer * Standing.burst, now: now)
    }

    /// Whether so many bytes may go to it in a reply now.
    mutating func mayGet(_ bytes: Int, _ settings: Settings, now: Instant) -> Bool {
        replies.take(
            Double(bytes), perSecond: settings.bytesPerSecond * Standing.share, full: settings.burstBytes * Standing.share,
            now: now)
    }

    /// Bytes that may go to it in a reply now.
    func replyAllowance(_ settings: Settings, now: Instant) -> Int {
        Int(
            replies.level(
                perSecond: settings.bytesPerSecond * Standing.share, full: settings.burstBytes * Standing.share, now: now))
    }

    /// Whether one more token of its may be opened now.
    mutating func mayOpen(now: Instant) -> Bool {
        openings.take(
            1, perSecond: Standing.openingsPerSecond, full: Standing.openingsPerSecond * Standing.burst, now: now)
    }
}

/// So much a second, and some at once.
private struct TokenBucket: Sendable {
    private var level: Double
    private var filledAt: Instant

    init(full: Double, now: Instant) {
        level = full
        filledAt = now
    }

    func level(perSecond rate: Double, full: Double, now: Instant) -> Double {
        min(full, level + now.seconds(since: filledAt) * rate)
    }

    mutating func take(_ amount: Double, perSecond rate: Double, full: Double, now: Instant) -> Bool {
        level = level(perSecond: rate, full: full, now: now)
        filledAt = now
        guard level >= amount else { return false }
        level -= amount
        return true
    }
}

extension RecordRefusal {
    /// Penalty points for the peer that handed over such a record of its own. What honest nodes pass on in the course of things costs
    /// nothing: they check what they take, but their clocks, their trust and their news may differ from ours.
    var penalty: Double {
        switch self {
        case .malformed, .badSignature, .foreignFederation, .wrongOrigin, .oversized: 5
        case .unknownOrigin, .untrusted, .futureDated, .expired, .revoked, .equivocation, .stale, .buried, .full: 0
        }
    }

    /// And of another's. A later version may write what we cannot read, and others may have larger limits: that weighs little.
    var relayPenalty: Double {
        switch self {
        case .malformed: 1
        case .oversized: 0
        default: penalty
        }
    }
}
