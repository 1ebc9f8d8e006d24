import Glibc

/// Files that only their owner may read: keys, tokens, state.
public enum SecretFile {
    /// Bytes of the largest file that is read.
    public static let maximumBytes = 1 << 20

    /// The bytes of a file that nobody but its owner can read.
    ///
    /// - Throws: `.exposedFile` if group or others have any right to it; `.file` if it is not there or no regular file;
    ///   `.limitExceeded` above 1 MiB.
    public static func read(_ path: String) throws(TrustError) -> [UInt8] {
        let file = try OpenFile(reading: path)
        try refuseExposed(path, try file.regularFileMode())
        return try file.read(maximumBytes: maximumBytes)
    }

    /// As `read`, of a file that belongs to the user who runs this process: somebody else's could hold what they want
    /// used, or be read by them at any time.
    ///
    /// - Throws: also `.exposedFile` if it belongs to another user.
    public static func readOwn(_ path: String) throws(TrustError) -> [UInt8] {
        let file = try OpenFile(reading: path)
        let (mode, owner) = (try file.regularFileMode(), try file.owner())
        guard owner == geteuid() else {
            throw TrustError(.exposedFile, "\(path) belongs to user \(owner), not to you (\(geteuid())); it is not read")
        }
        try refuseExposed(path, mode)
        return try file.read(maximumBytes: maximumBytes)
    }

    private static func refuseExposed(_ path: String, _ mode: mode_t) throws(TrustError) {
        guard mode & 0o077 == 0 else {
            throw TrustError(
                .exposedFile,
                "\(path) can be reached by others (mode 0\(String(mode, radix: 8))); run: chmod 600 \(path)")
        }
    }

    /// Puts a file in place, mode 0600, whole or not at all: written beside, synced, renamed.
    ///
    /// - Throws: `.file`.
    public static func write(_ path: String, _ bytes: [UInt8]) throws(TrustError) {
        try OpenFile.replace(path, with: bytes, mode: 0o600)
    }

    /// Makes a directory for its owner alone (0700), with its parents. One that is there is kept as it is.
    ///
    /// - Throws: `.exposedFile` if it is there and others may write to it, so that they could replace what is inside;
    ///   `.file`.
    public static func makeDirectory(_ path: String) throws(TrustError) {
        var status = stat()
        if stat(path, &status) != 0 {
            guard errno == ENOENT else { throw OpenFile.failure("use", path, errno) }
            let parent = OpenFile.directory(of: path)
            if parent != path, access(parent, F_OK) != 0 { try makeDirectory(parent) }
            // Somebody may have made it meanwhile: then it is looked at below like any other.
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw OpenFile.failure("make", path, errno) }
            guard stat(path, &status) == 0 else { throw OpenFile.failure("use", path, errno) }
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw TrustError(.file, "\(path) is not a directory") }
        guard status.st_mode & 0o022 == 0 else {
            throw TrustError(
                .exposedFile,
                "others may write to \(path), where keys are kept; run: chmod go-w \(path)")
        }
    }
}

/// Files that anybody may read and only their owner may write: certificates.
public enum PublicFile {
    /// - Throws: `.file`, or `.limitExceeded` above `maximumBytes` (1 MiB if not said).
    public static func read(
        _ path: String, maximumBytes: Int = SecretFile.maximumBytes
    ) throws(TrustError) -> [UInt8] {
        let file = try OpenFile(reading: path)
        _ = try file.regularFileMode()
        return try file.read(maximumBytes: maximumBytes)
    }

    /// As `SecretFile.write`, with mode 0644.
    public static func write(_ path: String, _ bytes: [UInt8]) throws(TrustError) {
        try OpenFile.replace(path, with: bytes, mode: 0o644)
    }
}
