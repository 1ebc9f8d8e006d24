import Transport

/// How a simulated inference server behaves.
public struct SimulatedServerSettings: Sendable, Equatable {
    /// What the model is doing at the start, in the catalog's words.
    public enum FirstState: String, Sendable, CaseIterable {
        /// Answers, once `startupSeconds` have passed.
        case running
        /// 503 at `/health`: until `startupSeconds` have passed, or for ever where they are 0.
        case starting
        /// As `starting`; `/health` names it.
        case queued
        /// The server is well and lists no model.
        case stopped
        /// 500 everywhere.
        case failed
        /// Connections end without an answer.
        case offline
        /// As `stopped`; `/health` names it.
        case maintenance
    }

    /// The IP address to listen on.
    public var address = "127.0.0.1"
    /// 0: the kernel chooses.
    public var port: UInt16 = 0
    /// The one model that it answers for.
    public var model: String
    public var firstState = FirstState.running
    /// From getting a slot to the first token.
    public var timeToFirstTokenSeconds = 0.2
    /// Of one request, after its first token.
    public var tokensPerSecond = 50.0
    /// Requests run at once; the others wait in line, first come first served.
    public var slots = 8
    /// From start to the first answer.
    public var startupSeconds = 0.0
    /// The share of requests that fail, 0 to 1: with 500, or, of streamed ones every second on average, by breaking off.
    public var failureRate = 0.0
    /// Prompt and completion together.
    public var contextTokens = 8192
    /// Decides which requests fail. The text does not depend on it, so that two servers of one model agree.
    public var seed: UInt64 = 0

    public init(model: String) { self.model = model }

    /// Where it listens.
    ///
    /// - Throws: `.system` with one line naming the setting that cannot be used and what is allowed.
    func validated() throws(TransportError) -> SocketAddress {
        guard let address = SocketAddress(literal: address, port: port) else {
            throw TransportError(.system, "address: found \"\(address)\"; allowed: an IPv4 or IPv6 address")
        }
        let lines: [(Bool, String)] = [
            ((1...1024).contains(model.utf8.count), "model: allowed: 1 to 1024 bytes"),
            ((0...3600).contains(timeToFirstTokenSeconds), "timeToFirstTokenSeconds: allowed: 0 to 3600"),
            ((0.1...1_000_000).contains(tokensPerSecond), "tokensPerSecond: allowed: 0.1 to 1000000"),
            ((1...100_000).contains(slots), "slots: allowed: 1 to 100000"),
            ((0...86_400).contains(startupSeconds), "startupSeconds: allowed: 0 to 86400"),
            ((0...1).contains(failureRate), "failureRate: allowed: 0 to 1"),
            ((1...1_000_000_000).contains(contextTokens), "contextTokens: allowed: 1 to 1000000000"),
        ]
        for (holds, line) in lines where !holds { throw TransportError(.system, line) }
        return address
    }
}
