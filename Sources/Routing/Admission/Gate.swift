import CLinux
import Synchronization
public import Transport

/// The slots of one model's backend and the queue before them, node-wide: the one place that decides whether a request runs here
/// now. It refuses before queueing where the caller would rather go elsewhere, where the line is full, and where waiting is in vain.
public final class Gate: Sendable {
    public enum Refusal: String, Error, Sendable, CaseIterable {
        /// No slot is free, and the caller would not wait.
        case full
        /// The queue holds its limit already.
        case queueFull
        /// The line is longer than its deadline, or than anyone may wait.
        case late
        /// Its model is being stopped.
        case closed
        /// No slot came free in time.
        case timedOut
        case clientGone
    }

    struct State {
        /// As configured, or as the server tells.
        var cap: Int
        var limit: ConcurrencyLimit?
        var running = 0
        /// Nobody is let in.
        var isClosed = false
        var queue: FairQueue<Parking>
        var rate = ServiceRate()
        var statistics = AdmissionStatistics()

        /// How many may run at once.
        var slots: Int { min(cap, limit?.limit ?? cap) }
        var hasRoom: Bool { running < slots && !isClosed }
    }

    public let settings: Settings
    let state: Mutex<State>
    /// How fast the model writes.
    let speed = AnswerSpeed()
    /// What the choice reads; kept in step with the state.
    public let load: LiveLoad

    /// - Parameter slots: requests that may run at once; nil: nobody has told yet.
    public init(slots: Int?, settings: Settings = Settings(), load: LiveLoad = LiveLoad()) {
        self.settings = settings
        self.load = load
        var queue = FairQueue<Parking>.Settings()
        queue.capacity = settings.queueLimit
        queue.batchShare = settings.batchShare
        var limit: ConcurrencyLimit?
        switch settings.feedback {
        case .off: break
        case .whereUnknown: if slots == nil { limit = ConcurrencyLimit(settings: settings.limit) }
        case .on: limit = ConcurrencyLimit(settings: settings.limit)
        }
        if let slots { limit?.bound(by: slots) }
        let cap = slots ?? (limit == nil ? settings.assumedSlots : settings.limit.most)
        state = Mutex(State(cap: cap, limit: limit, queue: FairQueue(settings: queue)))
        state.withLock { report($0) }
    }

    /// The number of requests that may run at once; raising it lets waiting ones in.
    public func resize(slots: Int) {
        precondition(slots > 0, "a gate has at least one slot")
        change { state in
            state.cap = slots
            // Whoever counts them knows better than what can be measured.
            if settings.feedback == .whereUnknown { state.limit = nil } else { state.limit?.bound(by: slots) }
        }
    }

    /// A request on the backend had its first token.
    ///
    /// - Parameter began: when it was sent there; monotonic nanoseconds.
    func sawFirstToken(began: UInt64, promptTokens: Int, now: UInt64) {
        guard settings.feedback != .off else { return }
        change { $0.limit?.sample(began: began, now: now, promptTokens: promptTokens, running: $0.running) }
    }

    /// Changes how many may run, and lets in as many as may.
    private func change(_ body: (inout State) -> Void) {
        let now = mesh_monotonic_ns()
        let freed: [Parking] = state.withLock { state in
            let before = state.slots
            body(&state)
            guard state.slots != before else { return [] }
            var freed: [Parking] = []
            while state.hasRoom, let next = state.queue.next() {
                state.running += 1
                freed.append(next)
            }
            state.rate.capacityChanged(isFull: !state.hasRoom, now: now)
            report(state)
            return freed
        }
        for parking in freed where !parking.grant() { leave() }
    }

    /// Takes a slot if one is free and nobody waits. Each success is followed by one `leave`.
    ///
    /// - Parameter orRefuses: the caller goes elsewhere if there is none.
    public func tryEnter(orRefuses: Bool = true) -> Bool {
        state.withLock { state in
            guard state.hasRoom, state.queue.isEmpty else {
                if orRefuses { state.statistics.refused[.full, default: 0] += 1 }
                return false
            }
            enter(&state)
            return true
        }
    }

    private func enter(_ state: inout State) {
        state.running += 1
        state.statistics.enteredAtOnce += 1
        if !state.hasRoom { state.rate.becameFull(now: mesh_monotonic_ns()) }
        report(state)
    }

    /// Takes a slot, waiting in line for one, no longer than the request's deadline and the queue's own limit.
    public func enter(_ request: AdmissionRequest, for client: Stream) async throws(Refusal) {
        let began = client.now
        let limit = min(began &+ settings.queueNanoseconds, request.deadline)
        switch step(request, limit, now: began) {
        case .entered: return
        case .refused(let refusal): throw refusal
        case .wait(let parking, let ticket):
            switch await parking.wait(for: client, deadline: limit) {
            case .granted: entered(after: client.now &- began)
            case .timedOut: throw abandon(ticket, .timedOut)
            case .clientGone: throw abandon(ticket, .clientGone)
            }
        }
    }

    private enum Step {
        case entered
        case wait(Parking, FairQueue<Parking>.Ticket)
        case refused(Refusal)
    }

    /// - Parameter limit: until when it may wait; monotonic nanoseconds.
    private func step(_ request: AdmissionRequest, _ limit: UInt64, now: UInt64) -> Step {
        state.withLock { state in
            if state.hasRoom, state.queue.isEmpty {
                enter(&state)
                return .entered
            }
            if state.isClosed {
                state.statistics.refused[.closed, default: 0] += 1
                return .refused(.closed)
            }
            if settings.refusesLate, isLate(request, limit, state, now: now) {
                state.statistics.refused[.late, default: 0] += 1
                return .refused(.late)
            }
            let parking = Parking()
            guard let ticket = state.queue.add(parking, request) else {
                state.statistics.refused[.queueFull, default: 0] += 1
                return .refused(.queueFull)
            }
            report(state)
            return .wait(parking, ticket)
        }
    }

    /// Whether its turn would come too late for it.
    private func isLate(
        _ request: AdmissionRequest, _ limit: UInt64, _ state: borrowing State, now: UInt64
    ) -> Bool {
        guard limit > now else { return true }
        let turn = state.queue.ahead(of: request) + 1
        guard let seconds = state.rate.seconds(for: turn, slots: state.slots, now: now) else { return false }
        return seconds * 1e9 > Double(limit - now)
    }

    private func entered(after nanoseconds: UInt64) {
        state.withLock {
            $0.statistics.enteredAfterWaiting += 1
            $0.statistics.waitedNanoseconds += nanoseconds
        }
    }

    private func abandon(_ ticket: FairQueue<Parking>.Ticket, _ why: Refusal) -> Refusal {
        state.withLock {
            $0.statistics.refused[why, default: 0] += 1
            if $0.queue.remove(ticket) { report($0) }
        }
        return why
    }

    /// Gives a slot back: to the next in line, if there is one.
    public func leave() {
        let now = mesh_monotonic_ns()
        while true {
            let heir: Parking? = state.withLock { state in
                if state.running <= state.slots, let next = state.queue.next() {
                    state.rate.left(slots: state.slots, isFull: true, now: now)
                    report(state)
                    return next
                }
                state.running -= 1
                precondition(state.running >= 0, "a slot was given back twice")
                state.rate.left(slots: state.slots, isFull: !state.hasRoom, now: now)
                report(state)
                return nil
            }
            // One that has given up meanwhile takes nothing.
            guard let heir, !heir.grant() else { return }
        }
    }

    /// Lets nobody in from now on; false where somebody is in or waits, who is not to be stopped.
    func closeIfIdle() -> Bool {
        state.withLock { state in
            guard state.running == 0, state.queue.isEmpty else { return false }
            state.isClosed = true
            return true
        }
    }

    func open() { state.withLock { $0.isClosed = false } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    private func report(_ state: borrowing State) {
        load.set(slots: state.slots, running: state.running, waiting: state.queue.count)
    }

    public var counts: (slots: Int, running: Int, waiting: Int) {
        state.withLock { ($0.slots, $0.running, $0.queue.count) }
    }
}
