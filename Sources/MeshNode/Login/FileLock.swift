import Glibc

/// A lock between processes: an open file with `flock(2)`, which the kernel gives back when a process dies.
enum FileLock {
    /// Milliseconds between two attempts.
    private static let pauseMilliseconds = 20

    /// Does something while no other process holds the lock, waiting for whoever has it.
    ///
    /// - Throws: if the file cannot be made, or the lock is not free within `seconds`.
    static func holding<Value>(
        _ path: String, seconds: Int, _ body: () throws(CommandFailure) -> Value
    ) throws(CommandFailure) -> Value {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(exitCode: 1, message: "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var attempts = max(1, seconds * 1000 / pauseMilliseconds)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            if reason == EINTR { continue }
            attempts -= 1
            guard reason == EWOULDBLOCK else {
                throw CommandFailure(exitCode: 1, message: "cannot lock \(path): \(String(cString: strerror(reason)))")
            }
            guard attempts > 0 else {
                throw CommandFailure(exitCode: 1, message: "another meshnode command has held \(path) for \(seconds) s")
            }
            usleep(UInt32(pauseMilliseconds * 1000))
        }
        return try body()
    }
}
