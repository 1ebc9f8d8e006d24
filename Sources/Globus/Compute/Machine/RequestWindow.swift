/// What a request to Globus Compute is for.
enum RequestKind: Sendable, Equatable { case submit, poll, question }

/// The requests of the last window: never more than allowed in any window, wherever it begins.
struct RequestWindow: Sendable {
    struct Entry: Sendable {
        let at: UInt64
        let kind: RequestKind
    }

    let allowed: Int
    /// Nanoseconds.
    let length: UInt64
    /// Oldest first.
    private(set) var entries: [Entry] = []

    init(allowed: Int, seconds: Double) {
        self.allowed = allowed
        length = seconds.nanoseconds
    }

    var used: Int { entries.count }
    func used(by kind: RequestKind) -> Int { entries.count { $0.kind == kind } }

    /// Call it with the time before anything is read.
    mutating func forget(at now: UInt64) {
        entries.removeFirst(entries.prefix { $0.at + length <= now }.count)
    }

    mutating func take(_ kind: RequestKind, at now: UInt64) {
        precondition(entries.count < allowed, "a request beyond the budget")
        entries.append(Entry(at: now, kind: kind))
    }

    /// Requests that may be made before the `index`th oldest leaves the window (0: now), if of `kind` as many are kept free as
    /// are missing from `reserve`, and `kept` more.
    func free(before index: Int, keeping reserve: Int, for kind: RequestKind, and kept: Int = 0) -> Int {
        let rest = entries.dropFirst(index)
        let missing = max(0, reserve - rest.count { $0.kind == kind })
        return allowed - rest.count - missing - kept
    }

    /// When at least `count` may be made, as `free` counts; nil: never.
    func available(_ count: Int = 1, keeping reserve: Int, for kind: RequestKind, and kept: Int = 0, now: UInt64) -> UInt64?
    {
        for index in 0...entries.count where free(before: index, keeping: reserve, for: kind, and: kept) >= count {
            return index == 0 ? now : max(now, entries[index - 1].at + length)
        }
        return nil
    }

    /// The widest pace that the window will ask for: seconds between requests from `last` on, spaced evenly, so that none of them
    /// meets a window that is full.
    func evenSeconds(since last: UInt64, keeping reserve: Int, for kind: RequestKind) -> Double {
        var widest = 0.0
        for (index, entry) in entries.enumerated() {
            let possible = max(0, free(before: index, keeping: reserve, for: kind))
            widest = max(widest, (entry.at + length).seconds(since: last) / Double(possible + 1))
        }
        return widest
    }
}
