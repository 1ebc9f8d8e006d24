import Synchronization
public import Transport

/// The slots of one model's backend and the queue before them, node-wide: the one place that decides whether a request runs here
/// now. It refuses before queueing where the caller would rather go elsewhere.
public final class Gate: Sendable {
    public enum Refusal: Error, Sendable {
        /// The queue holds its limit already.
        case queueFull
        /// No slot came free in time.
        case timedOut
        case clientGone
    }

    private struct State {
        var slots: Int
        var running = 0
        var queue: [Parking] = []
        var waiting = 0
    }

    public let queueLimit: Int
    private let state: Mutex<State>
    /// What the choice reads; kept in step with the state.
    public let load: LiveLoad

    public init(slots: Int, queueLimit: Int, load: LiveLoad = LiveLoad()) {
        self.queueLimit = queueLimit
        self.load = load
        state = Mutex(State(slots: slots))
        load.set(slots: slots, running: 0, waiting: 0)
    }

    /// The number of requests that may run at once; raising it lets waiting ones in.
    public func resize(slots: Int) {
        precondition(slots > 0, "a gate has at least one slot")
        let freed: [Parking] = state.withLock {
            $0.slots = slots
            var freed: [Parking] = []
            while $0.running + freed.count < slots, let next = Self.next(&$0) { freed.append(next) }
            $0.running += freed.count
            report($0)
            return freed
        }
        for parking in freed where !parking.grant() { leave() }
    }

    /// Takes a slot if one is free and nobody waits. Each success is followed by one `leave`.
    public func tryEnter() -> Bool {
        state.withLock {
            guard $0.running < $0.slots, $0.waiting == 0 else { return false }
            $0.running += 1
            report($0)
            return true
        }
    }

    /// Takes a slot, waiting in line for one.
    ///
    /// - Parameter deadline: monotonic nanoseconds.
    public func enter(for client: Stream, deadline: UInt64) async throws(Refusal) {
        enum Step { case entered, wait(Parking), full }
        let step: Step = state.withLock {
            if $0.running < $0.slots, $0.waiting == 0 {
                $0.running += 1
                report($0)
                return .entered
            }
            guard $0.waiting < queueLimit else { return .full }
            let parking = Parking()
            $0.queue.append(parking)
            $0.waiting += 1
            report($0)
            return .wait(parking)
        }
        switch step {
        case .entered: return
        case .full: throw .queueFull
        case .wait(let parking):
            switch await parking.wait(for: client, deadline: deadline) {
            case .granted: return
            case .timedOut:
                abandon(parking)
                throw .timedOut
            case .clientGone:
                abandon(parking)
                throw .clientGone
            }
        }
    }

    /// Gives a slot back: to the first in line, if there is one.
    public func leave() {
        while true {
            let heir: Parking? = state.withLock {
                if $0.running <= $0.slots, let next = Self.next(&$0) {
                    report($0)
                    return next
                }
                $0.running -= 1
                precondition($0.running >= 0, "a slot was given back twice")
                report($0)
                return nil
            }
            // One that has given up meanwhile takes nothing.
            guard let heir, !heir.grant() else { return }
        }
    }

    private func abandon(_ parking: Parking) {
        state.withLock {
            guard let index = $0.queue.firstIndex(where: { $0 === parking }) else { return }
            $0.queue.remove(at: index)
            $0.waiting -= 1
            report($0)
        }
    }

    private static func next(_ state: inout State) -> Parking? {
        guard !state.queue.isEmpty else { return nil }
        state.waiting -= 1
        return state.queue.removeFirst()
    }

    private func report(_ state: State) {
        load.set(slots: state.slots, running: state.running, waiting: state.waiting)
    }

    public var counts: (slots: Int, running: Int, waiting: Int) { state.withLock { ($0.slots, $0.running, $0.waiting) } }
}
