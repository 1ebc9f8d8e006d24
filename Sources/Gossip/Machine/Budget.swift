/// What may still be sent: a bucket that fills at `bytesPerSecond` up to `burstBytes`. What is less urgent must leave something of it
/// for what is more so; nothing at all goes below zero.
struct Budget: Sendable {
    /// How urgent something is, the most urgent first.
    enum Urgency: Int, CaseIterable, Sendable, Comparable {
        /// Signs of life, summaries, announcements, and goodbyes.
        case control
        /// Hashes and digests, which find out what is to be sent.
        case comparison
        case state
        case catalog
        case load

        /// The part of the bucket that it leaves to what is more urgent.
        var reserve: Double {
            switch self {
            case .control: 0
            case .comparison: 0.05
            case .state: 0.1
            case .catalog: 0.25
            case .load: 0.5
            }
        }

        static func < (a: Urgency, b: Urgency) -> Bool { a.rawValue < b.rawValue }
    }

    private(set) var level: Double
    private var filledAt: Instant

    init(_ settings: Settings, now: Instant) {
        level = settings.burstBytes
        filledAt = now
    }

    mutating func fill(_ settings: Settings, now: Instant) {
        let seconds = now.seconds(since: filledAt)
        guard seconds > 0 else { return }
        filledAt = now
        level = min(settings.burstBytes, level + seconds * settings.bytesPerSecond)
    }

    /// Bytes that may go out now for something of this urgency.
    func allowance(_ urgency: Urgency, _ settings: Settings) -> Int {
        Int(max(0, level - urgency.reserve * settings.burstBytes))
    }

    /// - Returns: false, and nothing taken, if that is not allowed now.
    mutating func take(_ bytes: Int, _ urgency: Urgency, _ settings: Settings) -> Bool {
        guard bytes <= allowance(urgency, settings) else { return false }
        level -= Double(bytes)
        return true
    }
}

extension RecordKind {
    var urgency: Budget.Urgency {
        switch self {
        case .identity: .state
        case .catalog: .catalog
        case .load: .load
        }
    }
}

extension Message.Body {
    var urgency: Budget.Urgency {
        switch self {
        case .summary, .announce, .ping, .probe, .probeResult, .ack: .control
        case .buckets, .digest: .comparison
        // Its records were chosen within what their kinds may take.
        case .delta: .control
        }
    }
}
