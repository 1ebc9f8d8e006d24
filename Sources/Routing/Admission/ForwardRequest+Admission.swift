extension ForwardRequest {
    /// What a gate is told of it.
    ///
    /// - Parameter entry: the site that it came to.
    func admission(at entry: String) -> AdmissionRequest {
        AdmissionRequest(
            priority: priority, entry: AdmissionRequest.key(entry), user: AdmissionRequest.key(user),
            tokens: needs.promptTokens + needs.answerTokens, deadline: deadline)
    }
}

extension RoutingFailure {
    static let clientGone = RoutingFailure(.clientGone, status: 499, "the client went away")
    /// The client's own deadline passed.
    static let deadline = RoutingFailure(.deadline, status: 504, "the deadline passed before a site could answer")
}
