import Synchronization
public import Transport

/// Runs registered functions on Globus Compute endpoints, for one client id. What is done when is decided by `ComputeMachine`;
/// here it is carried out.
public final class ComputeService: Sendable {
    public let settings: ComputeSettings
    let calls: ComputeCalls
    private let log: @Sendable (String) -> Void
    private let origin = ContinuousClock.now
    let state: Mutex<State>
    let answers: Mutex<[String: StatusAnswer]> = Mutex([:])

    struct State: Sendable {
        var machine: ComputeMachine
        var tasks: [UInt64: ComputeTask] = [:]
        var questions: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        /// Questions whose turn came before they waited.
        var permitted: Set<UInt64> = []
        var timer: Task<Void, Never>?
        var wakesAt = UInt64.max
        var isRunning = false
        var isStopped = false
    }

    /// - Parameters:
    ///   - token: of the client whose tasks these are; one service a client id, since the budget is the client's.
    ///   - log: for the operator: may name endpoints and functions and hold the service's own words, never a secret.
    public init(
        settings: ComputeSettings = ComputeSettings(), services: GlobusServices = GlobusServices(), token: any TokenSource,
        web: WebClient, log: @escaping @Sendable (String) -> Void
    ) {
        let base = services.compute
        self.settings = settings
        self.log = log
        calls = ComputeCalls(base: base.hasSuffix("/") ? String(base.dropLast()) : base, token: token, web: web)
        state = Mutex(State(machine: ComputeMachine(settings: settings, seed: .random(in: 0...UInt64.max))))
    }

    /// Begins to submit and to poll. Returns at once.
    public func run() {
        state.withLock { $0.isRunning = true }
        tell { machine, now in machine.onTick(now: now) }
    }

    /// Ends everything: tasks that are not done are refused, and those submitted run on unseen.
    public func stop() {
        let (tasks, questions) = state.withLock { state in
            state.isStopped = true
            state.timer?.cancel()
            state.timer = nil
            defer {
                state.tasks = [:]
                state.questions = [:]
                state.machine = ComputeMachine(settings: settings, seed: 0)
            }
            return (Array(state.tasks.values), Array(state.questions.values))
        }
        for task in tasks { task.finish(.refused(.stopped)) }
        for question in questions { question.resume(returning: false) }
    }

    /// Queues a task; returns at once.
    /// - Throws: `.tooLarge`, `.queueFull`, `.badRequest` (an id that is none), `.stopped`.
    public func submit(_ order: ComputeOrder) throws(ComputeFailure) -> ComputeTask {
        guard isIdentifier(order.endpoint), isIdentifier(order.function) else {
            throw ComputeFailure(.badRequest, "The endpoint's or the function's id is not one.")
        }
        let result: Result<(ComputeTask, [Action]), ComputeFailure> = state.withLock { state in
            guard !state.isStopped else { return .failure(.stopped) }
            do throws(ComputeFailure) {
                let (number, directives) = try state.machine.onOrder(order, now: now)
                let task = ComputeTask(number: number, service: self)
                state.tasks[number] = task
                return .success((task, settle(&state, directives)))
            } catch { return .failure(error) }
        }
        let (task, actions) = try result.get()
        carryOut(actions)
        return task
    }

    /// What is done and how long it takes, now.
    public var figures: ComputeFigures { state.withLock { $0.machine.figures(at: now) } }

    // MARK: - The machine

    /// Monotonic nanoseconds; far from 0, so that "never" is long ago.
    var now: UInt64 {
        let passed = (ContinuousClock.now - origin).components
        return 3_600_000_000_000 + UInt64(max(passed.seconds, 0)) * 1_000_000_000
            + UInt64(max(passed.attoseconds, 0) / 1_000_000_000)
    }

    /// Tells the machine what happened and does what it wants.
    func tell(_ event: (inout ComputeMachine, UInt64) -> [ComputeDirective]) {
        let actions: [Action] = state.withLock { state in
            guard !state.isStopped else { return [] }
            return settle(&state, event(&state.machine, now))
        }
        carryOut(actions)
    }

    /// A directive with those whom it concerns.
    enum Action: Sendable {
        case submit(UInt64, SubmitBatch)
        case poll(UInt64, [String])
        case permit(CheckedContinuation<Bool, Never>)
        case accepted(ComputeTask, id: String, waitedSeconds: Double, resubmissions: Int)
        case finish(ComputeTask, ComputeOutcome)
        case log(String)
    }

    /// Finds whom the directives concern, forgets tasks that are told their end, and sets the timer. Under the lock.
    func settle(_ state: inout State, _ directives: [ComputeDirective]) -> [Action] {
        var actions: [Action] = []
        for directive in directives {
            switch directive {
            case .submit(let request, let batch): actions.append(.submit(request, batch))
            case .poll(let request, let ids): actions.append(.poll(request, ids))
            case .ask(let question):
                if let waiting = state.questions.removeValue(forKey: question) {
                    actions.append(.permit(waiting))
                } else {
                    state.permitted.insert(question)
                }
            case .accepted(let number, let id, let waited, let resubmissions):
                if let task = state.tasks[number] {
                    actions.append(.accepted(task, id: id, waitedSeconds: waited, resubmissions: resubmissions))
                }
            case .finish(let number, let outcome):
                if let task = state.tasks.removeValue(forKey: number) { actions.append(.finish(task, outcome)) }
            case .log(let text): actions.append(.log(text))
            }
        }
        if state.isRunning { setTimer(&state) }
        return actions
    }

    private func setTimer(_ state: inout State) {
        guard let next = state.machine.nextTick else {
            state.timer?.cancel()
            state.timer = nil
            state.wakesAt = .max
            return
        }
        guard next != state.wakesAt || state.timer == nil else { return }
        state.timer?.cancel()
        state.wakesAt = next
        let wait = max(Double(next &- min(next, now)) / 1e9, 0.001)
        state.timer = Task { [weak self] in
            do { try await Task.sleep(for: .seconds(min(wait, 3600))) } catch { return }
            self?.wake()
        }
    }

    private func wake() {
        state.withLock { state in
            state.timer = nil
            state.wakesAt = .max
        }
        tell { machine, now in machine.onTick(now: now) }
    }

    func carryOut(_ actions: [Action]) {
        for action in actions {
            switch action {
            case .submit(let request, let batch): Task { await self.send(request, batch) }
            case .poll(let request, let ids): Task { await self.ask(request, ids) }
            case .permit(let waiting): waiting.resume(returning: true)
            case .accepted(let task, let id, let waited, let resubmissions):
                task.accepted(id: id, waitedSeconds: waited, resubmissions: resubmissions)
            case .finish(let task, let outcome): task.finish(outcome)
            case .log(let text): log(text)
            }
        }
    }
}

extension ComputeFailure {
    static let stopped = ComputeFailure(.stopped, "This node stops.", retryAfterSeconds: 5)
}

/// A UUID's letters: what may stand in a path.
func isIdentifier(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
        && text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
}
