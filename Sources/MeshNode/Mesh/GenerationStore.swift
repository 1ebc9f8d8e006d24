import CLinux
import Glibc
import Trust

/// This node's generation, kept over restarts: each start is above the one before, also when the clock was set back.
struct GenerationStore: Sendable {
    private let path: String
    private let log: Logger

    init(directory: String, log: Logger) {
        path = directory + "/generation"
        self.log = log
    }

    /// max(stored + 1, seconds since 1970), stored before it is returned.
    func next() throws(CommandFailure) -> UInt64 {
        let stored = load()
        let generation = max(stored + 1, mesh_realtime_ns() / 1_000_000_000)
        do {
            try SecretFile.write(path, Array(String(generation).utf8))
        } catch {
            throw CommandFailure(exitCode: 1, message: "cannot write the state directory: \(error)")
        }
        return generation
    }

    func save(_ generation: UInt64) {
        do {
            try SecretFile.write(path, Array(String(generation).utf8))
        } catch {
            log.error("the generation could not be stored, a restart may have to raise it: \(error)")
        }
    }

    /// 0 without a file; a damaged one is set aside and named.
    private func load() -> UInt64 {
        guard access(path, F_OK) == 0 else { return 0 }
        if let bytes = try? SecretFile.read(path), let number = UInt64(String(decoding: bytes, as: UTF8.self)),
            number < UInt64.max / 2
        {
            return number
        }
        let aside = path + ".damaged"
        rename(path, aside)
        log.warning("the stored generation was damaged; it is set aside as \(aside)")
        return 0
    }
}
