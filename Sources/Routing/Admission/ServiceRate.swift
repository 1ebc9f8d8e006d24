/// How fast slots come free while all are taken: from it follow how long a line takes, and when to come again.
struct ServiceRate: Sendable {
    /// Weight of the newest interval.
    private static let weight = 0.125
    /// Seconds that one slot is taken for, in the mean; nil: not measured yet.
    private var slotSeconds: Double?
    /// When a slot came free last, or all were taken; nil while some are free.
    private var since: UInt64?

    /// All slots are taken from now on.
    mutating func becameFull(now: UInt64) { if since == nil { since = now } }

    /// There are more slots now, or fewer.
    mutating func capacityChanged(isFull: Bool, now: UInt64) { since = isFull ? since ?? now : nil }

    /// A request has left.
    ///
    /// - Parameter isFull: another took its slot at once.
    mutating func left(slots: Int, isFull: Bool, now: UInt64) {
        if let since, now > since {
            let seconds = Double(now - since) * 1e-9 * Double(max(slots, 1))
            slotSeconds = slotSeconds.map { $0 + (seconds - $0) * Self.weight } ?? seconds
        }
        since = isFull ? now : nil
    }

    /// Seconds until so many slots have come free; nil: nothing is known yet.
    func seconds(for count: Int, slots: Int, now: UInt64) -> Double? {
        guard let slotSeconds else { return nil }
        let interval = slotSeconds / Double(max(slots, 1))
        // A server that has become slow shows it by what it has not done.
        let silence = since.map { now > $0 ? Double(now - $0) * 1e-9 : 0 } ?? 0
        return max(interval, silence / 3) * Double(count)
    }
}
