import Storage
import Synchronization
import Transport

/// Sends audit entries to a syslog server by TLS (RFC 5425): kept in memory while it is away, up to a limit; what is dropped beyond it is
/// counted, and the count written to the log.
final class SyslogSink: AuditSink {
    private struct State {
        var frames: [[UInt8]] = []
        var dropped: UInt64 = 0
        var isSending = false
        var sender: SyslogSender?
    }

    /// Messages that wait.
    static let framesKept = 10_000
    /// Messages sent in one go.
    private static let batch = 64

    private let message: SyslogMessage
    private let state = Mutex(State())

    init(source: String) { message = SyslogMessage(source: source) }

    /// Begins to send what waits; from now on by `sender`.
    func start(_ sender: SyslogSender) {
        state.withLock { $0.sender = sender }
        wake()
    }

    @inline(never)
    func take(_ entries: [AuditEntry]) {
        state.withLock { state in
            for entry in entries {
                if state.frames.count < Self.framesKept {
                    state.frames.append(message.frame(entry))
                } else {
                    state.dropped += 1
                }
            }
        }
        wake()
    }

    private func wake() {
        let sender: SyslogSender? = state.withLock { state in
            guard !state.isSending, !state.frames.isEmpty, let sender = state.sender else { return nil }
            state.isSending = true
            return sender
        }
        guard let sender else { return }
        Task(executorPreference: sender.loop) { await sender.send(from: self) }
    }

    // MARK: For the sender

    /// What is to be sent next; nil: nothing, and sending has ended.
    @inline(never)
    func next() -> [[UInt8]]? {
        state.withLock { state in
            guard !state.frames.isEmpty else {
                state.isSending = false
                return nil
            }
            return Array(state.frames.prefix(Self.batch))
        }
    }

    /// The first messages were sent.
    ///
    /// - Returns: how many were dropped since the last time.
    @inline(never)
    func sent(_ count: Int) -> UInt64 {
        state.withLock { state in
            state.frames.removeFirst(count)
            defer { state.dropped = 0 }
            return state.dropped
        }
    }

    var isEmpty: Bool {
        @inline(never) get { state.withLock { $0.frames.isEmpty } }
    }
}

/// The connection of a `SyslogSink`, on one loop.
actor SyslogSender {
    nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let pool: SyslogConnector
    private let name: String
    private let log: @Sendable (String) -> Void
    private let dropped: @Sendable (UInt64) -> Void
    private var stream: Transport.Stream?

    private static let pauseNanoseconds: [UInt64] = [1, 2, 5, 10, 30, 60].map { $0 * 1_000_000_000 }

    /// - Parameters:
    ///   - log: takes what goes wrong.
    ///   - dropped: takes how many messages found no room.
    init(
        _ configuration: AuditConfiguration.Syslog, loop: Loop, log: @escaping @Sendable (String) -> Void,
        dropped: @escaping @Sendable (UInt64) -> Void
    ) throws(TransportError) {
        self.loop = loop
        self.log = log
        self.dropped = dropped
        name = "\(configuration.host):\(configuration.port)"
        var settings = TLSContext.Settings(role: .client, verification: .authorities(file: configuration.caFile))
        settings.applicationProtocols = []
        pool = SyslogConnector(
            target: HostPort(host: configuration.host, port: UInt16(configuration.port)), tls: try TLSContext(settings))
    }

    /// Sends until nothing waits, trying again for as long as it takes.
    func send(from sink: SyslogSink) async {
        var failures = 0
        while let frames = sink.next() {
            do throws(TransportError) {
                let stream = try await connection()
                for frame in frames { stream.output.append(frame) }
                try await stream.flush()
                let lost = sink.sent(frames.count)
                if lost > 0 { dropped(lost) }
                if failures > 0 { log("the syslog server \(name) takes audit entries again") }
                failures = 0
            } catch {
                stream?.close()
                stream = nil
                if failures == 0 { log("the syslog server \(name) does not take audit entries: \(error.message)") }
                let pause = Self.pauseNanoseconds[min(failures, Self.pauseNanoseconds.count - 1)]
                failures += 1
                await Alarm(loop: loop).sleep(nanoseconds: pause)
            }
        }
    }

    /// The one there is, unless the server has ended it, or a new one.
    private func connection() async throws(TransportError) -> Transport.Stream {
        if let stream, stream.isOpen, !stream.peerHungUp { return stream }
        stream?.close()
        stream = nil
        let made = try await pool.connect(loop)
        stream = made
        return made
    }
}

/// Dials a syslog server.
struct SyslogConnector: Sendable {
    let target: HostPort
    let tls: TLSContext

    private static let timeoutNanoseconds: UInt64 = 10_000_000_000

    func connect(_ loop: Loop) async throws(TransportError) -> Transport.Stream {
        let deadline = loop.now &+ Self.timeoutNanoseconds
        var last = TransportError(.unknownHost, "no address is known for \(target.host)")
        for address in try await Resolver(loop: loop).resolve(target) {
            do throws(TransportError) {
                let stream = try await Transport.connect(loop, to: address, deadline: deadline)
                do throws(TransportError) {
                    try await stream.startTLS(tls, serverName: target.host, deadline: deadline)
                    return stream
                } catch {
                    stream.close()
                    throw error
                }
            } catch { last = error }
        }
        throw last
    }
}
