/// When a node's certificate is to be renewed, and how loudly to complain while that fails. Pure: the clock and the random
/// number are the caller's.
///
/// It is renewed at half life, as SPIRE does: the other half is the time in which an authority may be away.
public struct RenewalSchedule: Sendable, Equatable {
    /// How the life of a certificate stands.
    public enum Urgency: Int, Sendable, Comparable {
        /// Before half life.
        case none
        /// From half life: each failure is a warning.
        case due
        /// From 80 %: each failure is an error.
        case pressing
        /// Past its end: peers refuse it.
        case over

        public static func < (a: Urgency, b: Urgency) -> Bool { a.rawValue < b.rawValue }
    }

    /// Seconds since 1970 between which it counts: when it was issued, and its end.
    public let issuedAt: Int64
    public let endsAt: Int64

    /// The parts of a life at which a renewal is due, and pressing.
    static let duePart = 0.5
    static let pressingPart = 0.8
    /// The part of a life over which nodes that were certified together are spread.
    static let spreadPart = 0.05
    /// Seconds between two tries: this part of the life, within these bounds.
    static let retryPart = 0.025
    static let retrySeconds: ClosedRange<Double> = 1...600

    public init(issuedAt: Int64, endsAt: Int64) {
        self.issuedAt = min(issuedAt, endsAt)
        self.endsAt = endsAt
    }

    /// Of a certificate: its validity begins `FederationAuthority.backdatingSeconds` before it was issued.
    public init(_ certificate: Certificate) {
        let issued = certificate.notBefore + FederationAuthority.backdatingSeconds
        self.init(issuedAt: issued < certificate.notAfter ? issued : certificate.notBefore, endsAt: certificate.notAfter)
    }

    private var life: Double { Double(endsAt - issuedAt) }

    /// The share of its life that is over: 0 when issued, 1 at its end.
    public func spent(now: Int64) -> Double { life > 0 ? Double(now - issuedAt) / life : 1 }

    public func urgency(now: Int64) -> Urgency {
        let spent = spent(now: now)
        if now >= endsAt { return .over }
        return spent >= Self.pressingPart ? .pressing : spent >= Self.duePart ? .due : .none
    }

    /// Seconds since 1970 of the first try.
    ///
    /// - Parameter spread: from 0 to 1, each node's own.
    public func firstTry(spread: Double) -> Double {
        Double(issuedAt) + life * (Self.duePart + Self.spreadPart * min(max(spread, 0), 1))
    }

    /// Seconds from one failed try to the next.
    ///
    /// - Parameter spread: from 0 to 1, another each time.
    public func retry(spread: Double) -> Double {
        let base = min(max(life * Self.retryPart, Self.retrySeconds.lowerBound), Self.retrySeconds.upperBound)
        return base * (0.75 + 0.5 * min(max(spread, 0), 1))
    }
}
