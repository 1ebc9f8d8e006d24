import FoundationEssentials
import Glibc
import Trust

/// The file of the user's tokens, `${XDG_CONFIG_HOME:-~/.config}/meshnode/tokens.json`: for its owner alone, replaced whole,
/// and changed by one command at a time.
struct TokenStore: Sendable {
    let directory: String

    var path: String { "\(directory)/tokens.json" }
    private var lockPath: String { "\(directory)/tokens.lock" }

    /// How long another command may hold the file, in seconds: longer than a call to Globus Auth takes.
    static let lockSeconds = 60

    init(directory: String) { self.directory = directory }

    /// The user's own.
    ///
    /// - Parameter variables: an environment.
    init(variables: (String) -> String?) throws(CommandFailure) {
        // A relative path is to be ignored (XDG Base Directory Specification).
        if let base = variables("XDG_CONFIG_HOME"), base.hasPrefix("/") {
            self.init(directory: "\(base)/meshnode")
        } else if let home = variables("HOME"), home.hasPrefix("/") {
            self.init(directory: "\(home)/.config/meshnode")
        } else {
            throw CommandFailure(exitCode: 1, message: "neither HOME nor XDG_CONFIG_HOME says where tokens are kept")
        }
    }

    /// The user's own, by this process's environment.
    static func own() throws(CommandFailure) -> TokenStore { try TokenStore(variables: Environment.value) }

    /// What is stored; nothing where there is no file.
    ///
    /// - Throws: if others can read the file, if it is somebody else's, or if it is damaged.
    func read() throws(CommandFailure) -> StoredLogins {
        var status = stat()
        if lstat(path, &status) != 0, errno == ENOENT || errno == ENOTDIR { return StoredLogins() }
        let bytes: [UInt8]
        do throws(TrustError) {
            bytes = try SecretFile.readOwn(path)
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        struct Head: Decodable { var version: Int }
        let data = Data(bytes)
        if let head = try? JSONDecoder().decode(Head.self, from: data), head.version > StoredLogins.currentVersion {
            throw CommandFailure(exitCode: 1, message: "\(path) was written by a newer meshnode than this one")
        }
        guard let logins = try? JSONDecoder().decode(StoredLogins.self, from: data) else {
            throw CommandFailure(
                exitCode: 1, message: "\(path) is damaged; delete it and log in again: rm \(path) && meshnode login")
        }
        return logins
    }

    /// Changes what is stored, alone: a second command waits, and then sees what this one wrote.
    func update<Value>(_ change: (inout StoredLogins) throws(CommandFailure) -> Value) throws(CommandFailure) -> Value {
        do throws(TrustError) {
            try SecretFile.makeDirectory(directory)
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        return try FileLock.holding(lockPath, seconds: Self.lockSeconds) { () throws(CommandFailure) -> Value in
            let before = try read()
            var logins = before
            let value = try change(&logins)
            if logins != before { try write(logins) }
            return value
        }
    }

    private func write(_ logins: StoredLogins) throws(CommandFailure) {
        guard !logins.federations.isEmpty else {
            guard unlink(path) == 0 || errno == ENOENT else {
                throw CommandFailure(exitCode: 1, message: "cannot delete \(path): \(String(cString: strerror(errno)))")
            }
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(logins) else {
            throw CommandFailure(exitCode: 1, message: "the tokens cannot be written as JSON")
        }
        do throws(TrustError) {
            try SecretFile.write(path, Array(data) + [UInt8(ascii: "\n")])
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
    }
}

/// Variables of the environment; an empty one counts as absent.
enum Environment {
    static func value(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}
