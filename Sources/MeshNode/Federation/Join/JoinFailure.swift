/// Why a join came to nothing, as the facility is told.
struct JoinFailure: Error, Sendable {
    let message: String
    /// The same command may go through later.
    let isWorthARetry: Bool

    init(_ message: String, isWorthARetry: Bool = false) {
        self.message = message
        self.isWorthARetry = isWorthARetry
    }
}
