/// How long a site may take for the first byte of a streamed answer before another one is asked.
///
/// Four times what the first byte took there of late; for a prompt longer than those measured, as much more as it is longer; and what
/// the request may stand in line there. Never below 2 s, and never above what is configured (`firstByteSeconds`), which alone holds
/// where fewer than five answers were measured.
///
/// The rule is for requests that have somewhere else to go. What has not waits as long as is configured, and so does what waits for
/// a model that is not running yet, or for an answer in one piece, whose first byte is its last token's.
struct FirstByteRule: Sendable, Equatable {
    /// Nanoseconds.
    var floor: UInt64 = 2_000_000_000
    var factor = 4.0
    var fewest = 5

    /// - Parameters:
    ///   - promptTokens: of the request.
    ///   - line: nanoseconds that it may stand in line.
    ///   - configured: nanoseconds.
    /// - Returns: nanoseconds from the request's last byte.
    func patience(_ measured: FirstByteEstimate, promptTokens: Int, line: UInt64, configured: UInt64) -> UInt64 {
        guard measured.count >= fewest else { return configured }
        let longer = max(Double(max(promptTokens, 1)) / max(measured.promptTokens, 1), 1)
        let nanoseconds = measured.seconds * factor * longer * 1e9
        guard nanoseconds < Double(configured) else { return configured }
        let (sum, isTooMuch) = max(UInt64(nanoseconds), floor).addingReportingOverflow(line)
        return isTooMuch ? configured : min(sum, configured)
    }
}

/// What the first byte of a model's streamed answers takes at one node: a mean in the manner of Finagle's Peak-EWMA, in which a slow
/// answer counts at once and in full, and quick ones are believed as time goes by.
struct FirstByteEstimate: Sendable, Equatable {
    /// After which what was measured counts half; nanoseconds. Longer than where a site is chosen by it: to leave one too soon is work
    /// done twice.
    static let halfLife = 60e9

    private(set) var seconds = 0.0
    /// Of the prompts that took so long.
    private(set) var promptTokens = 0.0
    private(set) var count = 0
    private var at: UInt64 = 0

    /// - Parameters:
    ///   - taken: from the request's last byte to the answer's first.
    ///   - tokens: of its prompt.
    ///   - now: monotonic nanoseconds.
    mutating func add(seconds taken: Double, promptTokens tokens: Int, now: UInt64) {
        let taken = min(max(taken, 0), 86_400)
        let tokens = Double(max(tokens, 1))
        let isSlowest = count == 0 || taken >= seconds
        let kept = isSlowest ? 0 : Self.halfLife / (Self.halfLife + Double(now - min(at, now)))
        seconds = taken + (seconds - taken) * kept
        promptTokens = tokens + (promptTokens - tokens) * kept
        count = min(count + 1, 1_000_000)
        at = now
    }
}
