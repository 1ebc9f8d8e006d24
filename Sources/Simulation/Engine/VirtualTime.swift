/// Virtual time as the queue counts it: nanoseconds since the beginning.
enum VirtualTime {
    static let never = UInt64.max

    static func nanoseconds(_ seconds: Double) -> UInt64 {
        seconds <= 0 ? 0 : seconds < 1e9 ? UInt64((seconds * 1e9).rounded()) : UInt64(1e18)
    }

    static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }

    /// With nine digits after the point, as text that is the same on every machine.
    static func text(_ nanoseconds: UInt64) -> String {
        let fraction = String(nanoseconds % 1_000_000_000)
        return "\(nanoseconds / 1_000_000_000).\(String(repeating: "0", count: 9 - fraction.utf8.count))\(fraction)"
    }
}
