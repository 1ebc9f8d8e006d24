/// A moment on the caller's monotonic clock. The machine never reads a clock: it is told.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since any fixed origin; never goes back.
    public var nanoseconds: UInt64

    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// The moment `seconds` later (earlier if negative), clamped to what can be said.
    public func adding(seconds: Double) -> Instant {
        let step = (seconds.magnitude * 1e9).rounded()
        guard step < 9e18 else { return Instant(nanoseconds: seconds < 0 ? 0 : .max) }
        let whole = UInt64(step)
        if seconds < 0 { return Instant(nanoseconds: nanoseconds > whole ? nanoseconds - whole : 0) }
        let (sum, overflow) = nanoseconds.addingReportingOverflow(whole)
        return Instant(nanoseconds: overflow ? .max : sum)
    }

    /// Seconds from `earlier` to here; negative if `earlier` is in fact later.
    public func seconds(since earlier: Instant) -> Double {
        earlier.nanoseconds <= nanoseconds
            ? Double(nanoseconds - earlier.nanoseconds) / 1e9 : -Double(earlier.nanoseconds - nanoseconds) / 1e9
    }

    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
}
