import CLinux
import Glibc
import Synchronization
import Transport

/// What became of a process that ran one task.
enum PythonOutcome: Sendable {
    /// - Parameters:
    ///   - success: false: `text` tells the failure.
    ///   - text: a JSON string literal, with its quotes.
    case ended(success: Bool, text: String, start: Double, end: Double, system: String, python: String)
    /// The process ended without a word.
    case lost
    case notStarted(String)
}

/// A process of Python that runs one task, the leader of a process group that ends with it.
///
/// A thread waits for it, so that no loop does.
final class PythonTask: Sendable {
    /// What a process needs to know.
    struct Order: Sendable {
        var python: String
        var environment: [String: String]
        /// Descriptor that takes what the function prints.
        var output: Int32
        /// For the worker's own program: JSON.
        var message: [UInt8]
    }

    private enum Phase { case fresh, running(pid_t), over }
    private let phase = Mutex(Phase.fresh)

    /// The process, while it runs.
    var pid: pid_t? {
        phase.withLock { if case .running(let pid) = $0 { pid } else { nil } }
    }

    /// Starts a process for `order`.
    ///
    /// - Parameter ended: called once, on a thread of its own, after the process and its group are gone.
    func start(_ order: Order, ended: @escaping @Sendable (PythonOutcome) -> Void) {
        startThread(name: "python") { ended(self.run(order)) }
    }

    /// Ends the process and all that it started; also one that has not started yet.
    func kill() {
        phase.withLock {
            if case .running(let pid) = $0 { Glibc.kill(-pid, SIGKILL) } else { $0 = .over }
        }
    }

    private func run(_ order: Order) -> PythonOutcome {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            return .notStarted("no descriptors left")
        }
        defer { close(pair[0]) }
        var pid: pid_t = 0
        // Under the lock: `kill` meets either no process or one that can be killed.
        let result: Int32 = phase.withLock {
            guard case .fresh = $0 else { return ECANCELED }
            let result = Self.spawn(order, socket: pair[1], &pid)
            if result == 0 { $0 = .running(pid) }
            return result
        }
        close(pair[1])
        guard result == 0 else { return result == ECANCELED ? .lost : .notStarted(String(cString: strerror(result))) }
        let reply = Self.send(order.message, to: pair[0]) ? Self.receive(from: pair[0]) : []
        // Before it is reaped its number cannot be another's.
        phase.withLock {
            Glibc.kill(-pid, SIGKILL)
            $0 = .over
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return Self.outcome(reply)
    }

    private static func send(_ message: [UInt8], to descriptor: Int32) -> Bool {
        let length = UInt64(message.count).bigEndian
        let bytes = withUnsafeBytes(of: length) { Array($0) } + message
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Bytes of an answer that are read at most: a result at its limit with each character as two `\uXXXX`.
    private static let replyLimit = 512 << 20

    private static func receive(from descriptor: Int32) -> [UInt8] {
        var reply: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while reply.count < replyLimit {
            let count = recv(descriptor, &part, part.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            reply += part[..<count]
        }
        return reply
    }

    private static func outcome(_ reply: [UInt8]) -> PythonOutcome {
        guard let end = reply.firstIndex(of: 10), let head = try? JSONReader.read(Array(reply[..<end])),
            let success = head["success"]?.truth, let start = head["start"]?.double, let stop = head["end"]?.double,
            reply.count > end + 2, reply[end + 1] == UInt8(ascii: "\""), reply.last == UInt8(ascii: "\"")
        else { return .lost }
        return .ended(
            success: success, text: String(decoding: reply[(end + 1)...], as: UTF8.self), start: start, end: stop,
            system: head["os"]?.text ?? "", python: head["python"]?.text ?? "")
    }
}
