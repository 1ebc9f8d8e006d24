public import Transport

/// A stand-in for an OpenAI-compatible inference server, for demonstrations and tests: real HTTP and real timing, made-up text.
///
/// It says so: every answer's `system_fingerprint` is "simulated by meshnode", and its model belongs to "meshnode-simulation".
/// Routes, errors and metrics are those of vLLM.
public enum SimulatedServer {
    /// Runs a server on the calling thread, for ever.
    ///
    /// - Parameter ready: called once it listens, with the address that it has.
    /// - Throws: `.system` for a setting out of range or an address that cannot be listened on.
    public static func run(
        _ settings: SimulatedServerSettings, ready: @Sendable (SocketAddress) -> Void
    ) throws(TransportError) {
        let (worker, address) = try prepare(settings)
        ready(address)
        worker.loop.run()
    }

    /// Starts a server on a thread of its own.
    ///
    /// - Throws: as `run`.
    public static func start(_ settings: SimulatedServerSettings) throws(TransportError) -> SimulatedServerHandle {
        let (worker, address) = try prepare(settings)
        worker.start()
        return SimulatedServerHandle(worker: worker, address: address)
    }

    /// All state lives on one loop: that is what makes slots and the line for them plain variables.
    private static func prepare(_ settings: SimulatedServerSettings) throws(TransportError) -> (Worker, SocketAddress) {
        let address = try settings.validated()
        let worker = try Worker(index: 0)
        let socket = try ListeningSocket.bind(address, count: 1)
        let service = HTTPService(handler: InferenceHandler(settings: settings, startedAt: worker.loop.now))
        Task(executorPreference: worker.loop) { await worker.serve(socket, service) }
        return (worker, socket.address)
    }
}

/// A server started by `SimulatedServer.start`. It runs until `stop`.
public struct SimulatedServerHandle: Sendable {
    private let worker: Worker
    public let address: SocketAddress

    init(worker: Worker, address: SocketAddress) {
        self.worker = worker
        self.address = address
    }

    /// Ends the server as a crash would: it listens no more, and requests under way are cut off.
    public func stop() async {
        await worker.drain()
        await worker.run { $0.attachment(StreamsUnderWay.self) { StreamsUnderWay() }.closeAll() }
        // The tasks of the connections need the loop to end; those that linger do so for a second, which is not waited for.
        var turns = 1000
        while turns > 0, await worker.openConnections > 0 {
            turns -= 1
            await Task.yield()
        }
        worker.stop()
    }
}
