import Synchronization

/// One task's wait for something that any thread may bring: a free slot, an answer from elsewhere.
///
/// It ends once: by `grant`, at its deadline, or when the client goes. Whoever grants learns whether it came in time.
public final class Parking: Sendable {
    public enum Outcome: Sendable { case granted, timedOut, clientGone }

    private enum Phase {
        case fresh
        case waiting(UnsafeContinuation<Outcome, Never>)
        case ended(Outcome)
    }

    private final class Timer: TimerNode {
        let parking: Parking
        init(_ parking: Parking) {
            self.parking = parking
            super.init()
        }
        override func expired() { _ = parking.end(.timedOut) }
    }

    private let phase = Mutex(Phase.fresh)

    public init() {}

    /// True if the wait was still on; it is then over.
    @discardableResult
    public func grant() -> Bool { end(.granted) }

    /// Waits on the worker of `client`.
    ///
    /// - Parameter deadline: monotonic nanoseconds.
    public func wait(for client: Stream, deadline: UInt64) async -> Outcome {
        if client.peerHungUp || client.interruption != nil { _ = end(.clientGone) }
        let timer = Timer(self)
        client.loop.arm(timer, at: deadline)
        client.hangUpAction = { [self] in _ = end(.clientGone) }
        defer {
            client.loop.disarm(timer)
            client.hangUpAction = nil
        }
        return await withUnsafeContinuation { continuation in
            let ended: Outcome? = phase.withLock {
                if case .ended(let outcome) = $0 { return outcome }
                $0 = .waiting(continuation)
                return nil
            }
            if let ended { continuation.resume(returning: ended) }
        }
    }

    private func end(_ outcome: Outcome) -> Bool {
        let (first, waiter): (Bool, UnsafeContinuation<Outcome, Never>?) = phase.withLock {
            switch $0 {
            case .ended: return (false, nil)
            case .fresh:
                $0 = .ended(outcome)
                return (true, nil)
            case .waiting(let continuation):
                $0 = .ended(outcome)
                return (true, continuation)
            }
        }
        waiter?.resume(returning: outcome)
        return first
    }
}
