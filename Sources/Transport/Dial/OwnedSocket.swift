import Glibc
import Synchronization

/// An open socket between two owners, for instance on its way from one loop to another. Closed if nobody takes it.
public final class OwnedSocket: Sendable {
    private let descriptor: Int32
    private let isTaken = Atomic<Bool>(false)
    /// Who was at the other end when it was let go, as TLS had proved; nil: unknown.
    public let peer: (any Sendable)?

    init(descriptor: Int32, peer: (any Sendable)?) {
        self.descriptor = descriptor
        self.peer = peer
    }

    deinit { if !isTaken.load(ordering: .relaxed) { close(descriptor) } }

    /// The descriptor, whose owner is the caller from now on; nil if somebody has it already.
    func take() -> Int32? {
        isTaken.exchange(true, ordering: .sequentiallyConsistent) ? nil : descriptor
    }

    /// Goes on with it as a raw stream on `loop`; nil if the loop takes no more connections.
    public func stream(on loop: Loop) -> Stream? {
        take().flatMap { Stream(descriptor: $0, loop: loop) }
    }
}
