/// Why text from a site's agent or from the Compute service cannot be read, or text for it cannot be written. Holds no
/// payload: at most the name of an opcode, of a field or of a class.
public struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What happened, for code to decide on.
    public enum Code: Sendable, Equatable {
        /// Not the encoding that it should be.
        case malformed
        /// A well-formed thing of a kind that is not read here, such as a pickled object.
        case unsupported
        /// A limit of `WireLimits` was passed.
        case limitExceeded
        /// A field that only the gateway may set was set by the client.
        case reservedField
    }

    public var code: Code
    /// One line for people.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    static func malformed(_ message: String) -> WireError { WireError(.malformed, message) }
    static func unsupported(_ message: String) -> WireError { WireError(.unsupported, message) }
    static func limit(_ message: String) -> WireError { WireError(.limitExceeded, message) }
}
