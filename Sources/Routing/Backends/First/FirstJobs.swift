import Globus
import Gossip

/// What a FIRST gateway's `/{cluster}/jobs` says of each model: `{running:[…],queued:[…],stopped:[…],others:[…],…}`, a job naming one
/// model or more in `Models`.
struct FirstJobs: Equatable {
    private(set) var models: [String: Observation] = [:]

    /// nil if it is no such answer.
    ///
    /// - Parameters:
    ///   - framework: jobs of other frameworks are passed over; one that names none counts.
    ///   - walltimeSeconds: how long a job may run.
    ///   - nowSeconds: since 1970.
    init?(_ body: [UInt8], framework: String, walltimeSeconds: Double?, nowSeconds: Double) {
        guard let root = try? WireJSON.parse(body), root.pairs != nil else { return nil }
        for (group, state) in [
            ("stopped", ModelState.stopped), ("others", .stopped), ("queued", .queued), ("running", .running),
        ] {
            for job in root[group]?.items ?? [] {
                let stated = job["Framework"]?.text ?? framework
                guard stated == "N/A" || stated.lowercased() == framework.lowercased() else { continue }
                var seen = Observation(state: Self.state(of: job, in: state))
                // The scheduler's own words, where it has any.
                seen.reason = job["Job Comments"]?.text.flatMap { $0 == "N/A" ? nil : String($0.prefix(200)) }
                if seen.state == .queued {
                    seen.etaSeconds = job["Estimated Start Time"]?.text.flatMap(EstimatedStart.init)?.secondsFrom(nowSeconds)
                }
                if seen.state == .running || seen.state == .starting, let walltimeSeconds,
                    let used = job["Walltime"]?.text.flatMap(Self.seconds)
                {
                    seen.walltimeRemainingSeconds = max(0, walltimeSeconds - used)
                }
                for name in (job["Models"]?.text ?? "").split(separator: ",") { note(Self.trimmed(name), seen) }
            }
        }
    }

    /// A model in several jobs is what its best one is.
    private mutating func note(_ model: String, _ seen: Observation) {
        if let known = models[model] {
            let (old, new) = (Self.rank(known.state), Self.rank(seen.state))
            if old > new { return }
            // Of two that run, the one that runs longer; of two that wait, the one that comes first.
            if old == new {
                if known.walltimeRemainingSeconds ?? 0 > seen.walltimeRemainingSeconds ?? 0 { return }
                if known.etaSeconds ?? .infinity < seen.etaSeconds ?? .infinity { return }
            }
        }
        models[model] = seen
    }

    private static func rank(_ state: ModelState) -> Int {
        switch state {
        case .running: 4
        case .starting: 3
        case .queued: 2
        case .disconnected: 1
        default: 0
        }
    }

    /// A job that runs may hold a model that does not yet, or one whose workers are gone.
    private static func state(of job: WireValue, in group: ModelState) -> ModelState {
        guard group == .running, let stated = job["Model Status"]?.text?.lowercased() else { return group }
        return switch stated {
        case "starting": .starting
        case "disconnected": .disconnected
        case "queued": .queued
        case "stopped": .stopped
        case "offline": .offline
        case "failed": .failed
        default: .running
        }
    }

    /// `HH:MM:SS`, as PBS writes a length of time; hours may go beyond 24.
    static func seconds(_ walltime: String) -> Double? {
        let parts = walltime.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ (1...6).contains($0.utf8.count) }),
            let hours = UInt32(parts[0]), let minutes = UInt32(parts[1]), let seconds = UInt32(parts[2]), minutes < 60,
            seconds < 60
        else { return nil }
        return Double(hours) * 3600 + Double(minutes * 60 + seconds)
    }

    private static func trimmed(_ text: Substring) -> String {
        var rest = text
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}

/// What a gateway lists of one cluster and framework in `/list-endpoints`.
struct FirstListing: Equatable {
    /// nil: the cluster or framework is not listed, or not for us.
    let models: Set<String>?

    /// nil if it is no such answer.
    init?(_ body: [UInt8], cluster: String, framework: String) {
        guard let clusters = (try? WireJSON.parse(body))?["clusters"], clusters.pairs != nil else { return nil }
        let found = clusters[cluster]?["frameworks"]?[framework]?["models"]
        models = found.map { Set(($0.items ?? []).compactMap(\.text)) }
    }
}
