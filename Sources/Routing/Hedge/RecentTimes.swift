/// The latest times that something took, for quantiles of them. Exact over what is kept, and so as quick to follow a change as it is
/// short.
struct RecentTimes: Sendable, Equatable {
    static let kept = 128
    /// Below so many there is no 95th percentile.
    static let fewest = 20

    private struct Entry: Sendable, Equatable {
        var seconds: Float
        var promptTokens: Int32
    }

    private var entries: [Entry] = []
    private var next = 0

    /// - Parameters:
    ///   - seconds: from the request's last byte to the answer's first.
    ///   - promptTokens: of the request.
    mutating func add(seconds: Double, promptTokens: Int) {
        guard seconds.isFinite else { return }
        let entry = Entry(
            seconds: Float(min(max(seconds, 0), 86_400)), promptTokens: Int32(min(max(promptTokens, 0), 1_000_000_000)))
        if entries.count < Self.kept {
            if entries.isEmpty { entries.reserveCapacity(Self.kept) }
            entries.append(entry)
        } else {
            entries[next] = entry
            next = (next + 1) % Self.kept
        }
    }

    /// The time within which so large a part (above 0, up to 1) of those with prompts of at most `promptTokens` came, by the nearest
    /// rank; nil: too few are known.
    func quantile(_ part: Double, promptTokens: Int) -> Double? {
        let times = entries.lazy.filter { Int($0.promptTokens) <= promptTokens }.map(\.seconds).sorted()
        guard times.count >= Self.fewest else { return nil }
        let rank = Int((part * Double(times.count)).rounded(.up))
        return Double(times[min(max(rank, 1), times.count) - 1])
    }
}
