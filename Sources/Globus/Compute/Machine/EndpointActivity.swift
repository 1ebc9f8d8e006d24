/// What is known of one endpoint's tasks.
struct EndpointActivity: Sendable {
    var queued = 0
    var outstanding = 0
    var submits: UInt64 = 0
    var usedAt: UInt64 = 0
    var waits = RecentWaits()

    var isIdle: Bool { queued == 0 && outstanding == 0 }
}

/// The waits for submission of the last minute, the latest 256 of them.
struct RecentWaits: Sendable {
    private static let kept = 256
    private var waits: [(seconds: Double, at: UInt64)] = []
    private var next = 0

    mutating func add(_ seconds: Double, at now: UInt64) {
        if waits.count < Self.kept {
            waits.append((seconds, now))
        } else {
            waits[next] = (seconds, now)
        }
        next = (next + 1) % Self.kept
    }

    func last(at now: UInt64) -> Double? {
        let recent = waits.filter { now.seconds(since: $0.at) <= 60 }
        return recent.max { $0.at < $1.at }?.seconds
    }

    func median(at now: UInt64) -> Double? {
        let recent = waits.filter { now.seconds(since: $0.at) <= 60 }.map(\.seconds).sorted()
        return recent.isEmpty ? nil : recent[recent.count / 2]
    }
}

extension ComputeMachine {
    func figures(at now: UInt64) -> ComputeFigures {
        var current = self
        current.begin(now)
        return current.figuresNow
    }

    private var figuresNow: ComputeFigures {
        var figures = ComputeFigures()
        figures.counters = counters
        figures.windowUsed = window.used
        figures.windowAllowed = window.allowed
        figures.blockedSeconds = blockedUntil.seconds(since: now)
        for (id, activity) in endpoints {
            var endpoint = EndpointFigures()
            endpoint.queued = activity.queued
            endpoint.outstanding = activity.outstanding
            endpoint.submits = activity.submits
            endpoint.lastWaitSeconds = activity.waits.last(at: now)
            endpoint.medianWaitSeconds = activity.waits.median(at: now)
            endpoint.queueDelaySeconds = queueDelaySeconds(of: id)
            figures.endpoints[id] = endpoint
        }
        return figures
    }
}
