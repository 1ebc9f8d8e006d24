import CLinux
import Glibc
public import Transport

/// A stand-in for Globus Auth, Globus Groups and Globus Compute on one address: real HTTP, real processes of Python, made-up people.
///
/// It says so: every answer's `Server` field is "meshnode-globus-emulation". Shapes follow the services' SDKs; what only the hosted
/// services know is not told.
public enum GlobusEmulation {
    /// Starts it on a thread of its own.
    ///
    /// - Throws: `.system` for an address that cannot be listened on or a file that cannot be written.
    public static func start(_ settings: GlobusEmulationSettings) throws(TransportError) -> GlobusEmulationHandle {
        guard let address = SocketAddress(literal: settings.address, port: settings.port) else {
            throw TransportError(.system, "address: found \"\(settings.address)\"; allowed: an IPv4 or IPv6 address")
        }
        var output: Int32 = 2
        if let path = settings.functionOutput {
            output = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard output >= 0 else {
                throw TransportError(.system, "functionOutput: cannot write \(path): \(String(cString: strerror(errno)))")
            }
        }
        let worker = try Worker(index: 0)
        let socket = try ListeningSocket.bind(address, count: 1)
        let start = GlobusStart(settings: settings, worker: worker, startedAt: mesh_monotonic_ns(), output: output)
        let service = HTTPService(handler: GlobusHandler(start))
        worker.start()
        Task(executorPreference: worker.loop) { await worker.serve(socket, service) }
        return GlobusEmulationHandle(start: start, address: socket.address)
    }
}

/// An emulation started by `GlobusEmulation.start`. It runs until `stop`.
public struct GlobusEmulationHandle: Sendable {
    private let start: GlobusStart
    public let address: SocketAddress

    init(start: GlobusStart, address: SocketAddress) {
        self.start = start
        self.address = address
    }

    /// Ends it: connections are cut, and all processes of Python, with what they started, are gone when this returns.
    public func stop() async {
        let start = start
        await start.worker.drain()
        await start.worker.run { context in
            GlobusServer.of(context, start).compute.end()
            context.attachment(StreamsUnderWay.self) { StreamsUnderWay() }.closeAll()
        }
        while await start.worker.run({ GlobusServer.of($0, start).compute.endpoints.values.contains { $0.running > 0 } }) {
            await Task.yield()
        }
        start.worker.stop()
        if start.output > 2 { close(start.output) }
    }

    /// As `stop`, for a thread that has no task.
    public func stopAndWait() {
        let ended = DispatchedEnd()
        Task {
            await stop()
            ended.tell()
        }
        ended.wait()
    }
}

/// Lets a thread wait for a task.
private final class DispatchedEnd: Sendable {
    private let pipe: (reading: Int32, writing: Int32)

    init() {
        var ends: [Int32] = [-1, -1]
        _ = Glibc.pipe(&ends)
        pipe = (ends[0], ends[1])
    }

    func tell() { close(pipe.writing) }

    func wait() {
        var byte: UInt8 = 0
        while Glibc.read(pipe.reading, &byte, 1) < 0, errno == EINTR {}
        close(pipe.reading)
    }
}
