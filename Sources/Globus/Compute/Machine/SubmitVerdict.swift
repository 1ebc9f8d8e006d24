/// What a failed submit means for its tasks (GLOBUS.md §2.5).
enum SubmitVerdict: Sendable, Equatable {
    /// The service did not take it: again after a while.
    case again
    /// It may have been taken.
    case uncertain
    /// Once more with a new token; refused if it was that already.
    case newToken(ComputeFailure)
    /// 429.
    case later
    /// The task group is not ours any more.
    case newGroup
    /// The user endpoint's old process seems to live: again for a while.
    case startRefused(ComputeFailure)
    case tooLarge(ComputeFailure)
    /// One function's fault, or all.
    case refused(ComputeFailure)
    /// The same for all tasks of the endpoint and configuration.
    case refusedAll(ComputeFailure)

    init(_ failure: CallFailure, endpoint: String) {
        let detail = [failure.code, failure.message].filter { !$0.isEmpty }.joined(separator: ": ")
        func refusal(_ code: ComputeFailure.Code, _ message: String, retryAfter: Int? = nil) -> ComputeFailure {
            ComputeFailure(code, message, detail: detail, retryAfterSeconds: retryAfter)
        }
        let unauthorized = refusal(.unauthorized, "Globus Compute does not take this node's credential.")
        switch failure.kind {
        case .transit(let mayHaveArrived): self = mayHaveArrived ? .uncertain : .again
        case .noToken(let isRefused): self = isRefused ? .refusedAll(unauthorized) : .again
        case .unreadable, .tooLong:
            self = .refusedAll(refusal(.protocolViolation, "Globus Compute answered with something else than was asked."))
        case .status(let status):
            let words = failure.message.lowercased()
            switch (status, failure.code) {
            case (401, _): self = .newToken(unauthorized)
            case (429, _): self = .later
            case (_, "TASK_PAYLOAD_TOO_LARGE"), (413, _):
                self = .tooLarge(refusal(.tooLarge, "The request is too large for Globus Compute."))
            case (_, "TASK_GROUP_NOT_FOUND"), (_, "TASK_GROUP_ACCESS_FORBIDDEN"): self = .newGroup
            case (_, "FUNCTION_NOT_PERMITTED"),
                (403, _) where words.contains("not permitted on endpoint"):
                self = .refused(
                    refusal(
                        .functionNotPermitted,
                        "The site does not allow this service's function on its Globus Compute endpoint."))
            case (_, _) where (400..<500).contains(status) && words.contains("quota"):
                self = .refusedAll(
                    refusal(.quotaExceeded, "A quota of the site or of Globus Compute is used up.", retryAfter: 60))
            case (422, _) where words.contains("(systemexit) 73"):
                self = .startRefused(refusal(.endpointStartFailed, Self.startFailed, retryAfter: 30))
            case (422, _): self = .refusedAll(refusal(.endpointStartFailed, Self.startFailed))
            case (_, "ENDPOINT_NOT_FOUND"):
                self = .refusedAll(refusal(.endpointNotFound, "Globus Compute does not know the site's endpoint."))
            case (_, "FUNCTION_NOT_FOUND"):
                self = .refused(refusal(.functionNotFound, "Globus Compute does not know the function."))
            case (404, _):
                self = .refused(refusal(.endpointNotFound, "Globus Compute does not know the endpoint or the function."))
            case (403, _):
                self = .refused(
                    refusal(.forbidden, "Globus Compute does not let this node use the endpoint or the function."))
            case (502, _), (504, _): self = .uncertain
            case (408, _), (425, _), (500..., _): self = .again
            default: self = .refused(refusal(.badRequest, "Globus Compute does not understand the request."))
            }
        }
    }

    private static let startFailed = "The site's Globus Compute endpoint could not start a process for this request."

    /// What is told when the service has failed too often.
    static func unavailable(_ failure: CallFailure) -> ComputeFailure {
        ComputeFailure(
            .unavailable, "Globus Compute is not available.",
            detail: "\(failure.kind) \(failure.code) \(failure.message)",
            retryAfterSeconds: Int(min(max(failure.retryAfterSeconds ?? 10, 1), 120)))
    }
}
