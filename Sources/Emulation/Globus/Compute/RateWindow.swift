/// How many requests a client made lately. Times are seconds since the emulation's start.
struct RateWindow {
    /// That `mostSeen` is counted over; seconds.
    static let span = 10.0

    private var seen: [Double] = []
    private var admitted: [Double] = []
    /// The most requests in any ten seconds.
    private(set) var mostSeen = 0
    private(set) var total = 0
    private(set) var refused = 0

    /// Counts a request.
    ///
    /// - Returns: nil when it is allowed, else the seconds after which another would be.
    mutating func note(at time: Double, allowed: Int, in seconds: Double) -> Double? {
        total += 1
        seen.append(time)
        seen.removeFirst(seen.firstIndex { $0 > time - Self.span } ?? 0)
        mostSeen = max(mostSeen, seen.count)
        admitted.removeFirst(admitted.firstIndex { $0 > time - seconds } ?? admitted.count)
        if admitted.count < allowed {
            admitted.append(time)
            return nil
        }
        refused += 1
        return admitted[0] + seconds - time
    }
}
