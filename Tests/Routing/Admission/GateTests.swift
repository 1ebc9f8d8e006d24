import CLinux
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

private final class Accepted {
    var stream: Stream?
    var alarm: Alarm?
}

@Suite struct GateTests {
    @Test func slotsAreNeverExceeded() {
        let gate = Gate(slots: 2, queueLimit: 4)
        #expect(gate.tryEnter())
        #expect(gate.tryEnter())
        #expect(!gate.tryEnter())
        gate.leave()
        #expect(gate.tryEnter())
        #expect(gate.counts == (2, 2, 0))
    }

    @Test func waitingEndsWhenItIsCalledOff() async throws {
        let gate = Gate(slots: 1, queueLimit: 1)
        #expect(gate.tryEnter())
        let (refusal, isThere) = try await withClient { stream, _ in
            let caller = Interrupter(stream)
            stream.loop.arm(caller, at: stream.now + 1_000_000)
            do throws(Gate.Refusal) {
                try await gate.enter(for: stream, deadline: .max)
                return ("entered", true)
            } catch { return ("\(error)", !stream.peerHungUp && stream.interruption?.code == .revoked) }
        }
        #expect(refusal == "clientGone" && isThere)
        #expect(gate.counts == (1, 1, 0))
    }

    @Test func waitingEndsAtItsDeadlineAndFreesItsPlace() async throws {
        let gate = Gate(slots: 1, queueLimit: 1)
        #expect(gate.tryEnter())
        let refusal = try await withClient { stream, _ in
            do throws(Gate.Refusal) {
                try await gate.enter(for: stream, deadline: stream.now + 30_000_000)
                return "entered"
            } catch { return "\(error)" }
        }
        #expect(refusal == "timedOut")
        #expect(gate.counts == (1, 1, 0))
    }

    @Test func aClientThatGoesFreesItsPlace() async throws {
        let gate = Gate(slots: 1, queueLimit: 1)
        #expect(gate.tryEnter())
        let refusal = try await withClient { stream, peer in
            peer.close()
            do throws(Gate.Refusal) {
                try await gate.enter(for: stream, deadline: stream.now + 60_000_000_000)
                return "entered"
            } catch { return "\(error)" }
        }
        #expect(refusal == "clientGone")
        #expect(gate.counts == (1, 1, 0))
    }

    @Test func theLineIsBounded() async throws {
        let gate = Gate(slots: 1, queueLimit: 0)
        #expect(gate.tryEnter())
        let refusal = try await withClient { stream, _ in
            do throws(Gate.Refusal) {
                try await gate.enter(for: stream, deadline: .max)
                return "entered"
            } catch { return "\(error)" }
        }
        #expect(refusal == "queueFull")
    }

    @Test(arguments: [false, true]) func aFreedOrNewSlotGoesToTheOneWhoWaits(byResize: Bool) async throws {
        let gate = Gate(slots: 1, queueLimit: 1)
        #expect(gate.tryEnter())
        let outcome = try await withClient { stream, _ in
            // From another thread, once somebody waits.
            startThread(name: "leaver") {
                while gate.counts.waiting == 0 {}
                if byResize { gate.resize(slots: 2) } else { gate.leave() }
            }
            do throws(Gate.Refusal) {
                try await gate.enter(for: stream, deadline: stream.now + 60_000_000_000)
                return "entered"
            } catch { return "\(error)" }
        }
        #expect(outcome == "entered")
        #expect(gate.counts == (byResize ? (2, 2, 0) : (1, 1, 0)))
    }

    /// The slot comes at the moment the wait ends: it must be had or given back, never lost.
    @Test func noSlotIsLostWhenGivenToOneThatGivesUp() async throws {
        let gate = Gate(slots: 1, queueLimit: 8)
        try await withClient { stream, _ in
            for _ in 0..<60 {
                guard gate.tryEnter() else {
                    Issue.record("a slot is lost")
                    return
                }
                startThread(name: "leaver") {
                    while gate.counts.waiting == 0 {}
                    // Spins until about the deadline below.
                    let until = mesh_monotonic_ns() + 15_000_000
                    while mesh_monotonic_ns() < until {}
                    gate.leave()
                }
                do throws(Gate.Refusal) {
                    try await gate.enter(for: stream, deadline: stream.now + 1_000_000)
                    gate.leave()
                } catch {
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
