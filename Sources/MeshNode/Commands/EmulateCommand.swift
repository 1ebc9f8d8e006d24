import Emulation
import Glibc
import Transport
import Trust

/// `meshnode emulate inference`: a stand-in for an inference server, which says so in every answer.
enum EmulateCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let speed = invocation.simulatedServer
        var settings = SimulatedServerSettings(model: invocation.text(.model) ?? "simulated")
        settings.address = invocation.text(.address) ?? "127.0.0.1"
        settings.port = UInt16(invocation.integer(.port) ?? 0)
        settings.firstState =
            invocation.text(.firstState).flatMap { SimulatedServerSettings.FirstState(rawValue: $0) } ?? .running
        settings.timeToFirstTokenSeconds = speed.timeToFirstTokenSeconds
        settings.tokensPerSecond = speed.tokensPerSecond
        settings.slots = speed.slots
        settings.startupSeconds = speed.startupSeconds
        settings.failureRate = speed.failureRate
        settings.contextTokens = speed.contextTokens
        let handle: SimulatedServerHandle
        do throws(TransportError) {
            handle = try Emulation.SimulatedServer.start(settings)
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        Output.write("simulated inference server of \(settings.model) at \(handle.address)\n")
        if let path = invocation.text(.readyFile) {
            do {
                try SecretFile.write(path, Array("\(handle.address)\n".utf8))
            } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        }
        while let signal = Signals.wait() {
            if signal == SIGINT || signal == SIGTERM { break }
        }
    }
}
