import CLinux
import Glibc
import Synchronization
import Transport
import Trust

/// A file whose content is the token: read again when another stands in its place or it was changed. Like any secret's it must be
/// its owner's alone (mode 0600).
public final class TokenFile: TokenOrigin {
    /// Nanoseconds between two looks at the file.
    static let lookInterval: UInt64 = 1_000_000_000

    /// A look costs next to nothing.
    public let refusalPause: UInt64 = 0
    private let path: String
    private let known = Mutex<(mark: Mark, token: String)?>(nil)

    /// What changes when the file's content does.
    private struct Mark: Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var changedSeconds: Int
        var changedNanoseconds: Int
    }

    public init(path: String) { self.path = path }

    public func read(refused: String?) async throws(TokenFailure) -> TokenReading {
        // A file on a network may keep its reader waiting.
        let result = await onThread { () -> Result<TokenReading, TokenFailure> in
            do throws(TokenFailure) {
                return .success(try self.readNow())
            } catch { return .failure(error) }
        }
        switch result {
        case .success(let reading): return reading
        case .failure(let failure): throw failure
        }
    }

    /// Reads on this thread: at the start, where a file that is not there ends the program.
    public func readNow() throws(TokenFailure) -> TokenReading {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw TokenFailure("\(path) cannot be read: \(String(cString: strerror(mesh_errno())))")
        }
        let mark = Mark(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            changedSeconds: status.st_mtim.tv_sec, changedNanoseconds: status.st_mtim.tv_nsec)
        if let token = known.withLock({ $0?.mark == mark ? $0?.token : nil }) { return Self.reading(token) }
        let bytes: [UInt8]
        do throws(TrustError) {
            bytes = try SecretFile.read(path)
        } catch { throw TokenFailure("\(error)") }
        let token = try BearerToken.trimmed(bytes, from: path)
        known.withLock { $0 = (mark, token) }
        return Self.reading(token)
    }

    private static func reading(_ token: String) -> TokenReading {
        TokenReading(token: token, renewAfter: lookInterval)
    }
}

/// Runs what may block on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        startThread(name: "token") { continuation.resume(returning: body()) }
    }
}
