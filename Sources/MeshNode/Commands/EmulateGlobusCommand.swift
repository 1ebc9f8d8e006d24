import Emulation
import Glibc
import Transport
import Trust

/// `meshnode emulate globus`: a stand-in for Globus Auth, Groups and Compute, which says so in every answer.
enum EmulateGlobusCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let path = invocation.text(.emulationConfig) ?? ""
        var settings: GlobusEmulationSettings
        do throws(TransportError) {
            settings = try GlobusEmulationSettings(configuration: try read(path), path: path)
        } catch { throw CommandFailure(exitCode: 2, message: error.message) }
        settings.address = invocation.text(.address) ?? "127.0.0.1"
        settings.port = UInt16(invocation.integer(.port) ?? 0)
        settings.seed = invocation.integer(.seed).map { UInt64($0) } ?? UInt64.random(in: 0...UInt64(Int.max))
        let handle: GlobusEmulationHandle
        do throws(TransportError) {
            handle = try GlobusEmulation.start(settings)
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        Output.write(
            "globus emulation at \(handle.address) (not Globus: people, tokens and tasks are made up; seed \(settings.seed))\n"
        )
        if let path = invocation.text(.readyFile) {
            do {
                try SecretFile.write(path, Array("\(handle.address)\n".utf8))
            } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        }
        while let signal = Signals.wait() {
            if signal == SIGINT || signal == SIGTERM { break }
        }
        handle.stopAndWait()
        Output.write("globus emulation ended\n")
    }

    /// The configuration; it may hold secrets, made up as they are, so that others' rights to it are not looked at.
    private static func read(_ path: String) throws(TransportError) -> [UInt8] {
        do {
            return try PublicFile.read(path)
        } catch { throw TransportError(.system, "\(path): \(error)") }
    }
}
