import Gossip

/// What is known of a model behind a Globus Compute endpoint, and what follows: a pure function.
///
/// Three sources, none complete: the service's heartbeat is a minute or two late; the status function knows the scheduler but costs a
/// task; our own requests know the truth, when there are any.
struct EndpointJudgement: Sendable {
    /// The service's word on the endpoint.
    enum Endpoint: Sendable, Equatable {
        /// The service could not be asked.
        case unknown
        case offline
        /// `managers` are nodes of its engine that are up; nil where the endpoint does not tell, as templated ones.
        case online(managers: Int?, waiting: Int)
    }

    /// What `status.py` said of the model.
    struct Report: Sendable, Equatable {
        var state: ModelState
        var etaSeconds: Double?
        var walltimeRemainingSeconds: Double?
        var reason: String?
    }

    /// What our own requests showed; nanoseconds.
    struct Own: Sendable, Equatable {
        var failuresInARow = 0
        var sinceSuccess: UInt64?
        var sinceFailure: UInt64?
    }

    /// A success younger than this outweighs what others say.
    static let freshSuccess: UInt64 = 60_000_000_000
    /// Failures in a row after which a model counts as failed, and for how long until one request may try again.
    static let failures = 3
    static let failureRest: UInt64 = 30_000_000_000

    var endpoint: Endpoint
    var report: Report?
    var own: Own

    var observation: Observation {
        var seen = Observation(state: state)
        if let report, report.state == seen.state {
            seen.etaSeconds = report.etaSeconds
            seen.reason = report.reason
        }
        // In whole minutes: the catalog is news to the whole federation.
        seen.walltimeRemainingSeconds = report?.walltimeRemainingSeconds.map { ($0 / 60).rounded(.down) * 60 }
        return seen
    }

    private var state: ModelState {
        let hasJustServed = own.failuresInARow == 0 && own.sinceSuccess.map { $0 < Self.freshSuccess } ?? false
        if hasJustServed { return .running }
        if own.failuresInARow >= Self.failures, own.sinceFailure.map({ $0 < Self.failureRest }) ?? false { return .failed }
        switch endpoint {
        case .unknown: return .disconnected
        case .offline: return .offline
        case .online(let managers, let waiting):
            if let report {
                // FIRST's word for a job that runs while its endpoint shows no node.
                return report.state == .running && managers == 0 ? .disconnected : report.state
            }
            if managers == 0 { return waiting > 0 ? .queued : .stopped }
            return .running
        }
    }
}
