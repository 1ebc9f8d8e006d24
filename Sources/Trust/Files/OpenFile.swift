import Glibc

/// An open file, closed with its owner.
struct OpenFile: ~Copyable {
    private let descriptor: Int32
    private let path: String

    /// Does not wait: a pipe in a file's place is refused, not read.
    init(reading path: String) throws(TrustError) {
        let opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard opened >= 0 else { throw Self.failure("read", path, errno) }
        descriptor = opened
        self.path = path
    }

    private init(creating path: String) throws(TrustError) {
        let opened = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw Self.failure("write", path, errno) }
        descriptor = opened
        self.path = path
    }

    deinit { close(descriptor) }

    /// The permission bits. Taken from the open file, so that nobody can put another in its place in between.
    func regularFileMode() throws(TrustError) -> mode_t {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure("read", path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw TrustError(.file, "\(path) is not a regular file") }
        return status.st_mode & 0o7777
    }

    /// The user that the file belongs to.
    func owner() throws(TrustError) -> uid_t {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure("read", path, errno) }
        return status.st_uid
    }

    func read(maximumBytes: Int) throws(TrustError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw Self.failure("read", path, errno)
            }
            guard bytes.count + count <= maximumBytes else {
                throw TrustError(.limitExceeded, "\(path) is larger than \(maximumBytes) bytes")
            }
            bytes += chunk[..<count]
        }
    }

    /// Writes beside, syncs, and renames: whoever opens `path` finds the old file or the new one, never a part.
    static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws(TrustError) {
        let beside = "\(path).\(Digest.hex(Random.bytes(6))).tmp"
        do throws(TrustError) {
            let file = try OpenFile(creating: beside)
            try file.write(bytes, mode: mode)
        } catch {
            unlink(beside)
            throw error
        }
        guard rename(beside, path) == 0 else {
            let reason = errno
            unlink(beside)
            throw failure("write", path, reason)
        }
        // The new name must survive a power cut too; not every file system can sync a directory.
        let folder = open(directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private func write(_ bytes: [UInt8], mode: mode_t) throws(TrustError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.failure("write", path, errno)
            }
            written += count
        }
        // Sets the mode whatever the process's umask is.
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else { throw Self.failure("write", path, errno) }
    }

    static func directory(of path: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        let parent = parts.dropLast().joined(separator: "/")
        return path.hasPrefix("/") ? "/" + parent : (parent.isEmpty ? "." : parent)
    }

    static func failure(_ verb: String, _ path: String, _ reason: Int32) -> TrustError {
        TrustError(.file, "cannot \(verb) \(path): \(String(cString: strerror(reason)))")
    }
}
