import Testing

@testable import Globus

/// A Globus Compute service and a clock for the machine's tests: nothing takes time but as it says here.
struct VirtualService {
    enum Event {
        case order(ComputeOrder)
        case submitted(UInt64, Result<SubmitReply, CallFailure>)
        case polled(UInt64, Result<[TaskReport], CallFailure>)
        case started(UInt64), ending(UInt64), settled(UInt64), givenUp(UInt64)
        case question
    }

    struct Submit { var at: UInt64, batch: SubmitBatch }
    struct Poll { var at: UInt64, ids: [String] }
    struct Asked { var at: UInt64, question: UInt64 }
    struct Acceptance { var id: String, waited: Double, resubmissions: Int }

    var machine: ComputeMachine
    var now: UInt64 = 1_000_000_000_000
    var submitSeconds = 0.3
    var pollSeconds = 0.2
    /// How long each task runs.
    var runSeconds = 5.0

    /// What the service says to the nth submit (from 0) instead of taking it.
    var onSubmit: (Int, SubmitBatch) -> CallFailure? = { _, _ in nil }
    /// Changes the answer to the nth submit.
    var onReply: (Int, inout SubmitReply) -> Void = { _, _ in }
    /// What the service says to the nth poll instead of telling.
    var onPoll: (Int, [String]) -> CallFailure? = { _, _ in nil }
    /// What is told of a task that has so many seconds; nil leaves it out.
    var report: (String, Double) -> TaskReport.State?

    private(set) var events: [(at: UInt64, order: Int, event: Event)] = []
    private var sequence = 0
    private(set) var submits: [Submit] = []
    private(set) var polls: [Poll] = []
    private(set) var asked: [Asked] = []
    private(set) var outcomes: [UInt64: [ComputeOutcome]] = [:]
    private(set) var outcomeAt: [UInt64: UInt64] = [:]
    private(set) var accepted: [UInt64: [Acceptance]] = [:]
    private(set) var refusals: [ComputeFailure] = []
    private(set) var logs: [String] = []
    private(set) var born: [String: UInt64] = [:]
    private var lastID = 0
    var lastNumber: UInt64 { machine.lastNumber }

    init(_ settings: ComputeSettings = ComputeSettings(), seed: UInt64 = 1) {
        machine = ComputeMachine(settings: settings, seed: seed)
        report = { _, age in age >= 5 ? .succeeded("11\n1") : .pending }
    }

    mutating func at(_ seconds: Double, _ event: Event) {
        sequence += 1
        let when = now.adding(seconds: seconds)
        // Next last: of the same moment the later one first.
        var low = 0
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].at > when { low = middle + 1 } else { high = middle }
        }
        events.insert((when, sequence, event), at: low)
    }

    /// Lets time pass. Only what the machine asks for, by `nextTick`, wakes it between the events.
    mutating func run(seconds: Double) {
        let end = now.adding(seconds: seconds)
        var idle = 0
        while true {
            let next = events.last?.at ?? .max
            let at = max(min(next, machine.nextTick ?? .max), now)
            guard at <= end else { break }
            idle = at == now ? idle + 1 : 0
            #expect(idle < 10_000, "the machine asks to be called without end")
            guard idle < 10_000 else { return }
            now = at
            if next <= now {
                handle(events.removeLast().event)
            } else {
                carry(machine.onTick(now: now))
            }
        }
        now = end
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .order(let order):
            do throws(ComputeFailure) { carry(try machine.onOrder(order, now: now).1) } catch { refusals.append(error) }
        case .submitted(let request, .success(let reply)): carry(machine.onSubmitted(request, reply, now: now))
        case .submitted(let request, .failure(let failure)), .polled(let request, .failure(let failure)):
            carry(machine.onFailed(request, failure, now: now))
        case .polled(let request, .success(let reports)): carry(machine.onPolled(request, reports, now: now))
        case .started(let number): carry(machine.onStarted(number, now: now))
        case .ending(let number): carry(machine.onEnding(number, now: now))
        case .settled(let number): carry(machine.onSettled(number, now: now))
        case .givenUp(let number): carry(machine.onGivenUp(number, now: now))
        case .question:
            do throws(ComputeFailure) { carry(try machine.onQuestion(now: now).1) } catch { refusals.append(error) }
        }
    }

    private mutating func carry(_ directives: [ComputeDirective]) {
        for directive in directives {
            switch directive {
            case .submit(let request, let batch):
                let index = submits.count
                submits.append(Submit(at: now, batch: batch))
                if let failure = onSubmit(index, batch) {
                    at(submitSeconds, .submitted(request, .failure(failure)))
                } else {
                    var reply = SubmitReply(endpoint: batch.queue.endpoint, taskGroup: "group", tasks: [:])
                    for function in batch.functions {
                        reply.tasks[function.function] = function.arguments.map { _ in
                            lastID += 1
                            born["t\(lastID)"] = now.adding(seconds: submitSeconds)
                            return "t\(lastID)"
                        }
                    }
                    onReply(index, &reply)
                    at(submitSeconds, .submitted(request, .success(reply)))
                }
            case .poll(let request, let ids):
                let index = polls.count
                polls.append(Poll(at: now, ids: ids))
                if let failure = onPoll(index, ids) {
                    at(pollSeconds, .polled(request, .failure(failure)))
                } else {
                    let reports = ids.compactMap { id in
                        report(id, now.seconds(since: born[id] ?? 0)).map { TaskReport(id: id, state: $0) }
                    }
                    at(pollSeconds, .polled(request, .success(reports)))
                }
            case .ask(let question): asked.append(Asked(at: now, question: question))
            case .accepted(let task, let id, let waited, let resubmissions):
                accepted[task, default: []].append(Acceptance(id: id, waited: waited, resubmissions: resubmissions))
            case .finish(let task, let outcome):
                outcomes[task, default: []].append(outcome)
                outcomeAt[task] = now
            case .log(let text): logs.append(text)
            }
        }
    }

    /// The most requests in any window of so many seconds, both its ends counted.
    func mostRequests(inSeconds seconds: Double = 10) -> Int {
        let times = (submits.map(\.at) + polls.map(\.at) + asked.map(\.at)).sorted()
        let length = seconds.nanoseconds
        var most = 0
        var first = 0
        for (index, time) in times.enumerated() {
            while times[first] + length < time { first += 1 }
            most = max(most, index - first + 1)
        }
        return most
    }

    /// Nothing is held of any task.
    var isEmpty: Bool {
        machine.tasks.isEmpty && machine.numbers.isEmpty && machine.heldBytes == 0 && machine.queuedCount == 0
            && machine.requests.isEmpty
            && machine.queues.values.allSatisfy { $0.waiting.isEmpty && $0.inFlight == 0 }
            && machine.endpoints.values.allSatisfy { $0.queued == 0 && $0.outstanding == 0 }
    }
}

extension ComputeOrder {
    static func test(
        endpoint: String = "e1", function: String = "f1", arguments: String = "x", config: String? = nil,
        deadlineSeconds: Double = 300
    ) -> ComputeOrder {
        ComputeOrder(
            endpoint: endpoint, function: function, arguments: arguments, endpointConfig: config,
            deadlineSeconds: deadlineSeconds)
    }
}

/// Arrivals without memory, from a seed.
struct PoissonArrivals {
    private var jitter: JitterGenerator
    let perSecond: Double
    init(perSecond: Double, seed: UInt64) {
        jitter = JitterGenerator(seed: seed)
        self.perSecond = perSecond
    }

    /// Seconds from now, until `end`.
    mutating func times(until end: Double) -> [Double] {
        var times: [Double] = []
        var at = 0.0
        while true {
            at += -naturalLogarithm(1 - jitter.unit()) / perSecond
            guard at < end else { return times }
            times.append(at)
        }
    }

    mutating func pick(_ count: Int) -> Int { min(Int(jitter.unit() * Double(count)), count - 1) }

    /// To 2^-40: the standard library has none without a C library.
    private func naturalLogarithm(_ value: Double) -> Double {
        var significand = value.significand
        var result = Double(value.exponent)
        var bit = 0.5
        for _ in 0..<40 {
            significand *= significand
            if significand >= 2 {
                significand /= 2
                result += bit
            }
            bit /= 2
        }
        return result * 0.693_147_180_559_945_3
    }
}
