import CLinux
import Synchronization
import Testing

@testable import Routing
@testable import Transport

/// A worker with a connected stream on it, for waits that end when the client goes.
private func withClient<Result: Sendable>(
    _ body: @escaping @Sendable (Stream, Stream) async -> Result
) async throws -> Result {
    let worker = try Worker(index: 0)
    worker.start()
    defer { worker.stop() }
    let socket = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 1)
    let result = await worker.run { context in
        let accepted = Accepted()
        let acceptor = Acceptor(descriptor: socket.descriptors[0], loop: context.loop) { descriptor in
            accepted.stream = Stream(descriptor: descriptor, loop: context.loop)
            accepted.alarm?.ring()
        }
        acceptor.start()
        defer { acceptor.close() }
        guard let dialled = try? await connect(context.loop, to: socket.address, deadline: .max) else {
            return nil as Result?
        }
        let alarm = Alarm(loop: context.loop)
        accepted.alarm = alarm
        while accepted.stream == nil { await alarm.sleep(nanoseconds: 20_000_000) }
        guard let stream = accepted.stream else { return nil }
        let result = await body(stream, dialled)
        stream.close()
        dialled.close()
        return result
    }
    return try #require(result)
}

/// Calls off what is done for a stream, a moment later.
private final class Interrupter: TimerNode {
    let stream: Stream
    init(_ stream: Stream) {
        self.stream = stream
        super.init()
    }
    override func expired() { stream.interrupt(TransportError(.revoked, "called off")) }
}

/// Whether a wait is over.
private final class GivenUp: Sendable {
    let flag = Atomic<Bool>(false)
}

private final class Accepted {
    var stream: Stream?
    var alarm: Alarm?
}

private func makeGate(slots: Int, queueLimit: Int, refusesLate: Bool = true) -> Gate {
    var settings = Gate.Settings()
    settings.queueLimit = queueLimit
    settings.queueNanoseconds = 600_000_000_000
    settings.refusesLate = refusesLate
    return Gate(slots: slots, settings: settings)
}

@Suite struct GateTests {
    @Test func slotsAreNeverExceeded() {
        let gate = makeGate(slots: 2, queueLimit: 4)
        #expect(gate.tryEnter())
        #expect(gate.tryEnter())
        #expect(!gate.tryEnter())
        gate.leave()
        #expect(gate.tryEnter())
        #expect(gate.counts == (2, 2, 0))
    }

    /// A model that is to be stopped has nobody in it, and lets nobody in.
    @Test func aGateClosesOnlyWhileNobodyIsInAndLetsNobodyIn() async throws {
        let gate = makeGate(slots: 2, queueLimit: 4)
        #expect(gate.tryEnter())
        #expect(!gate.closeIfIdle() && gate.tryEnter())
        gate.leave()
        gate.leave()
        #expect(gate.closeIfIdle() && gate.isClosed && !gate.tryEnter())
        let refusal = try await withClient { stream, _ in
            do throws(Gate.Refusal) {
                try await gate.enter(AdmissionRequest(deadline: .max), for: stream)
                return "entered"
            } catch { return "\(error)" }
        }
        #expect(refusal == "closed" && gate.counts == (2, 0, 0))
        gate.open()
        #expect(gate.tryEnter())
    }

    @Test func waitingEndsWhenItIsCalledOff() async throws {
        let gate = makeGate(slots: 1, queueLimit: 1)
        #expect(gate.tryEnter())
        let (refusal, isThere) = try await withClient { stream, _ in
            let caller = Interrupter(stream)
            stream.loop.arm(caller, at: stream.now + 1_000_000)
            do throws(Gate.Refusal) {
                try await gate.enter(AdmissionRequest(deadline: .max), for: stream)
                return ("entered", true)
            } catch { return ("\(error)", !stream.peerHungUp && stream.interruption?.code == .revoked) }
        }
        #expect(refusal == "clientGone" && isThere)
        #expect(gate.counts == (1, 1, 0))
    }

    @Test func waitingEndsAtItsDeadlineAndFreesItsPlace() async throws {
        let gate = makeGate(slots: 1, queueLimit: 1)
        #expect(gate.tryEnter())
        let refusal = try await withClient { stream, _ in
            do throws(Gate.Refusal) {
                try await gate.enter(AdmissionRequest(deadline: stream.now + 30_000_000), for: stream)
                return "entered"
            } catch { return "\(error)" }
        }
        #expect(refusal == "timedOut")
        #expect(gate.counts == (1, 1, 0))
    }

    @Test func aClientThatGoesFreesItsPlace() async throws {
        let gate = makeGate(slots: 1, queueLimit: 1)
        #expect(gate.tryEnter())
        let refusal = try await withClient { stream, peer in
            peer.close()
            do throws(Gate.Refusal) {
                try await gate.enter(AdmissionRequest(deadline: stream.now + 60_000_000_000), for: stream)
                return "entered"
            } catch { return "\(error)" }
        }
        #expect(refusal == "clientGone")
        #expect(gate.counts == (1, 1, 0))
    }

    @Test func theLineIsBounded() async throws {
        let gate = makeGate(slots: 1, queueLimit: 0)
        #expect(gate.tryEnter())
        let refusal = try await withClient { stream, _ in
            do throws(Gate.Refusal) {
                try await gate.enter(AdmissionRequest(deadline: .max), for: stream)
                return "entered"
            } catch { return "\(error)" }
        }
        #expect(refusal == "queueFull")
    }

    /// A slot is known to be taken for about half a second: who has but a millisecond is told so, and does not wait for it.
    @Test func whoWouldWaitInVainIsRefusedAtOnce() async throws {
        let gate = makeGate(slots: 1, queueLimit: 8)
        #expect(gate.tryEnter())
        let end = mesh_monotonic_ns() + 500_000_000
        while mesh_monotonic_ns() < end {}
        gate.leave()
        #expect(gate.tryEnter())
        let refusals = try await withClient { stream, _ in
            var refusals: [Gate.Refusal] = []
            for deadline in [stream.now + 1_000_000, stream.now, 0] {
                do throws(Gate.Refusal) {
                    try await gate.enter(AdmissionRequest(deadline: deadline), for: stream)
                } catch { refusals.append(error) }
            }
            return refusals
        }
        #expect(refusals == [.late, .late, .late])
        #expect(gate.snapshot.statistics.refused == [.late: 3])
        #expect(gate.retryAfterSeconds >= 1)
        gate.leave()
    }

    @Test func theLineEndsAtItsOwnLimitOfTime() async throws {
        var settings = Gate.Settings()
        settings.queueNanoseconds = 5_000_000
        let gate = Gate(slots: 1, settings: settings)
        #expect(gate.tryEnter())
        let refusal = try await withClient { stream, _ in
            do throws(Gate.Refusal) {
                try await gate.enter(AdmissionRequest(), for: stream)
                return nil as Gate.Refusal?
            } catch { return error }
        }
        #expect(refusal == .timedOut)
        #expect(gate.snapshot.statistics.refused == [.timedOut: 1])
    }

    @Test func slotsAreAsFeedbackFindsThemUntilTheServerTells() {
        var settings = Gate.Settings()
        settings.feedback = .whereUnknown
        let gate = Gate(slots: nil, settings: settings)
        #expect(gate.counts.slots == 4 && gate.load.sample().slots == 4)
        for began in 1...40 as ClosedRange<UInt64> {
            _ = gate.tryEnter()
            gate.sawFirstToken(began: began * 100_000_000, promptTokens: 0, now: began * 100_000_000 + 50_000_000)
        }
        let found = gate.counts.slots
        #expect(found > 4 && found <= 256 && gate.load.sample().slots == found)
        gate.resize(slots: 5)
        #expect(gate.counts.slots == 5 && gate.load.sample().slots == 5)
        gate.sawFirstToken(began: 1, promptTokens: 0, now: 2)
        #expect(gate.counts.slots == 5)
    }

    @Test func whatIsDoneIsCounted() {
        let gate = makeGate(slots: 1, queueLimit: 1)
        #expect(gate.tryEnter())
        #expect(!gate.tryEnter() && !gate.tryEnter(orRefuses: false))
        let snapshot = gate.snapshot
        #expect(snapshot.statistics.enteredAtOnce == 1 && snapshot.statistics.refused == [.full: 1])
        #expect(snapshot.slots == 1 && snapshot.running == 1 && snapshot.expectedSeconds == nil)
    }

    @Test(arguments: [false, true]) func aFreedOrNewSlotGoesToTheOneWhoWaits(byResize: Bool) async throws {
        let gate = makeGate(slots: 1, queueLimit: 1)
        #expect(gate.tryEnter())
        let outcome = try await withClient { stream, _ in
            // From another thread, once somebody waits.
            startThread(name: "leaver") {
                while gate.counts.waiting == 0 {}
                if byResize { gate.resize(slots: 2) } else { gate.leave() }
            }
            do throws(Gate.Refusal) {
                try await gate.enter(AdmissionRequest(deadline: stream.now + 60_000_000_000), for: stream)
                return "entered"
            } catch { return "\(error)" }
        }
        #expect(outcome == "entered")
        #expect(gate.counts == (byResize ? (2, 2, 0) : (1, 1, 0)))
    }

    /// The slot comes at the moment the wait ends: it must be had or given back, never lost.
    @Test func noSlotIsLostWhenGivenToOneThatGivesUp() async throws {
        let gate = makeGate(slots: 1, queueLimit: 8, refusesLate: false)
        try await withClient { stream, _ in
            for _ in 0..<60 {
                guard gate.tryEnter() else {
                    Issue.record("a slot is lost")
                    return
                }
                let gaveUp = GivenUp()
                startThread(name: "leaver") {
                    // A thread that starts late finds nobody who waits any more.
                    while gate.counts.waiting == 0, !gaveUp.flag.load(ordering: .acquiring) {}
                    // Spins until about the deadline below.
                    let until = mesh_monotonic_ns() + 15_000_000
                    while mesh_monotonic_ns() < until {}
                    gate.leave()
                }
                do throws(Gate.Refusal) {
                    try await gate.enter(AdmissionRequest(deadline: stream.now + 1_000_000), for: stream)
                    gate.leave()
                } catch {
                    gaveUp.flag.store(true, ordering: .releasing)
                    let alarm = Alarm(loop: stream.loop)
                    while gate.counts.running != 0 { await alarm.sleep(nanoseconds: 1_000_000) }
                }
            }
        }
        #expect(gate.counts == (1, 0, 0))
    }
}

@Suite struct LoadReportTests {
    @Test(arguments: [
        ("slots=4; running=3; waiting=0", true), ("slots=999999; running=0; waiting=0", true), ("slots=4; running=3", false),
        ("slots=-4; running=3; waiting=0", false), ("slots=9999999; running=3; waiting=0", false), ("", false),
        ("slots=4; running=3; waiting=0 ", false), ("slots=; running=; waiting=", false),
        ("SLOTS=4; running=3; waiting=0", false),
    ])
    func parse(_ text: String, _ isReport: Bool) {
        let report = Array(text.utf8).withUnsafeBytes { LoadReport($0) }
        #expect((report != nil) == isReport)
        if let report { #expect(report.text == text) }
    }

    @Test func gauges() {
        let text = """
            # HELP vllm:num_requests_running x
            vllm:num_requests_running{model_name="a",engine="0"} 2.0
            vllm:num_requests_running{model_name="b"} 3
            vllm:num_requests_running_total 99
            llamacpp:requests_processing 1
            vllm:num_requests_waiting NaN
            broken
            """
        let gauges = PrometheusGauges(
            Array(text.utf8),
            names: ["vllm:num_requests_running", "vllm:num_requests_waiting", "llamacpp:requests_processing"])
        #expect(gauges["vllm:num_requests_running"] == 5)
        #expect(gauges["llamacpp:requests_processing"] == 1)
        #expect(gauges["vllm:num_requests_waiting"] == nil)
    }
}
