import Glibc

/// Why a command ended: one clear line, and 2 for bad input or usage, 1 for all else.
struct CommandFailure: Error, Sendable {
    let exitCode: Int32
    let message: String

    init(exitCode: Int32, message: String) {
        self.exitCode = exitCode
        self.message = message
    }
}

/// Standard output, and notes beside it. A reader that has gone ends the program quietly, as `head` expects.
enum Output {
    /// A line on standard error: for people, where standard output is for programs.
    static func note(_ text: String) {
        let bytes = Array("meshnode: \(text)\n".utf8)
        _ = Glibc.write(2, bytes, bytes.count)
    }

    static func write(_ text: String) {
        let bytes = Array(text.utf8)
        var position = 0
        while position < bytes.count {
            let written = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress.map { $0 + position }, $0.count - position) }
            if written < 0 {
                if errno == EINTR { continue }
                exit(errno == EPIPE ? 0 : 1)
            }
            position += written
        }
    }
}
