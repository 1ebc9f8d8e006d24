import Glibc

/// Reading a configuration file's bytes, and the paths in it.
enum ConfigurationFile {
    /// The bytes of a file, one more than allowed at most, so that the reader sees that there are too many.
    static func bytes(of path: String) throws(ConfigurationErrors) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { close(descriptor) }
        let most = JSON5Source.bytesAllowed + 1
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while bytes.count < most {
            let count = read(descriptor, &buffer, min(buffer.count, most - bytes.count))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, errno) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// Why a file that the configuration names cannot be used; nil if it can be read.
    static func obstacle(toReading path: String) -> String? {
        // Without O_NONBLOCK, opening a named pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return text(of: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return text(of: errno) }
        return status.st_mode & S_IFMT == S_IFDIR ? text(of: EISDIR) : nil
    }

    /// Why a path cannot be a directory to write in; nil if it is one, or does not exist yet.
    static func obstacle(toDirectory path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return errno == ENOENT ? nil : text(of: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return text(of: ENOTDIR) }
        return access(path, W_OK | X_OK) == 0 ? nil : text(of: errno)
    }

    /// The absolute directory of a file, without a slash at its end (`/` is the empty string).
    static func directory(of path: String) -> String {
        var absolute = path
        if !path.hasPrefix("/") {
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let found = getcwd(&buffer, buffer.count) != nil
            let current =
                found ? String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : "."
            absolute = "\(current == "/" ? "" : current)/\(path)"
        }
        guard let slash = absolute.lastIndex(of: "/") else { return "." }
        return String(absolute[..<slash])
    }

    /// A path of the file, relative ones beginning at `directory`. `..` is kept: only the kernel knows where links lead.
    static func resolve(_ path: String, in directory: String) -> String {
        if path.hasPrefix("/") { return path }
        var rest = Substring(path)
        while rest.hasPrefix("./") { rest = rest.dropFirst(2).drop { $0 == "/" } }
        return rest.isEmpty || rest == "." ? directory : "\(directory)/\(rest)"
    }

    private static func text(of code: Int32) -> String { String(cString: strerror(code)) }

    private static func unreadable(_ path: String, _ code: Int32) -> ConfigurationErrors {
        ConfigurationErrors([
            ConfigurationError(file: path, line: 0, column: 0, field: "", message: "cannot be read: \(text(of: code))")
        ])
    }
}
