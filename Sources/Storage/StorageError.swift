/// Why something could not be kept or found. Never holds a value that was to be stored.
public struct StorageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What happened, for code to decide on.
    public enum Code: Sendable, Equatable {
        /// The path cannot be used: a directory, no rights, no room.
        case file
        /// The file is no database, or is damaged.
        case damaged
        /// A later version of this program wrote it.
        case newer
        /// Another process holds it for longer than the busy time.
        case busy
        /// What was to be stored breaks a rule of its table.
        case constraint
        /// SQLite failed in a way that no input explains.
        case library
    }

    public var code: Code
    /// One line for people: what is wrong, where, and what to do.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
