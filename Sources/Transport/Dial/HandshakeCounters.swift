public import Synchronization

/// TLS handshakes made by calling others, since the start. Those that a request waits for cost it time.
public final class HandshakeCounters: Sendable {
    public let onRequest = Atomic<Int>(0)
    public let inBackground = Atomic<Int>(0)

    public init() {}

    func note(onRequest isOnRequest: Bool) {
        if isOnRequest { onRequest.add(1, ordering: .relaxed) } else { inBackground.add(1, ordering: .relaxed) }
    }
}
