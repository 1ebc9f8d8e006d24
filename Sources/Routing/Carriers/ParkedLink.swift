import Gossip
import Synchronization
import Transport

/// A connection that an outbound-only node keeps parked at this carrier, until a caller wants to reach it.
final class ParkedLink: Sendable {
    let node: NodeID
    private let state: Mutex<State> = Mutex(.resting)

    private enum State {
        /// Between two waits of its keeper.
        case resting
        case waiting(Parking)
        case claimed(UnsafeContinuation<OwnedSocket?, Never>)
        case over
    }

    init(node: NodeID) { self.node = node }

    // MARK: For its keeper, on the loop of the connection

    /// Begins to wait with `parking`; false if somebody has claimed it meanwhile.
    func rest(with parking: Parking) -> Bool {
        state.withLock {
            guard case .claimed = $0 else {
                $0 = .waiting(parking)
                return true
            }
            return false
        }
    }

    /// The wait is over without a claim; false if one came at the last moment.
    func rise() -> Bool {
        state.withLock {
            guard case .claimed = $0 else {
                $0 = .resting
                return true
            }
            return false
        }
    }

    /// Ends it: whoever claimed it gets the socket, or learns that there is none.
    func end(_ socket: OwnedSocket?) {
        let waiter: UnsafeContinuation<OwnedSocket?, Never>? = state.withLock { state in
            defer { state = .over }
            if case .claimed(let waiter) = state { return waiter }
            return nil
        }
        waiter?.resume(returning: socket)
    }

    // MARK: For a caller, on any loop

    /// Takes it over: its socket, raw; nil if it is gone.
    func claim() async -> OwnedSocket? {
        await withUnsafeContinuation { waiter in
            let (isTaken, parking) = begin(waiter)
            parking?.grant()
            if !isTaken { waiter.resume(returning: nil) }
        }
    }

    @inline(never)
    private func begin(_ waiter: UnsafeContinuation<OwnedSocket?, Never>) -> (Bool, Parking?) {
        state.withLock {
            switch $0 {
            case .resting:
                $0 = .claimed(waiter)
                return (true, nil)
            case .waiting(let parking):
                $0 = .claimed(waiter)
                return (true, parking)
            case .claimed, .over: return (false, nil)
            }
        }
    }
}
