/// Seeds from the first to the last, written `A..B`.
struct SeedRange: Equatable, Sendable {
    static let countAllowed = 1_000_000

    var first: UInt64
    var last: UInt64

    var count: Int { Int(last - first) + 1 }

    init(first: UInt64, last: UInt64) {
        self.first = first
        self.last = last
    }

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].isEmpty, let first = UInt64(parts[0]), let last = UInt64(parts[2]),
            first <= last, last <= UInt64(Int.max), last - first < UInt64(Self.countAllowed)
        else { return nil }
        self.init(first: first, last: last)
    }
}
