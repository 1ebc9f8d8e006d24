/// Where a server's bearer token comes from: a file, a program, a service that issues it.
///
/// Never asked on an event loop's thread, and never twice at the same time.
public protocol TokenOrigin: Sendable {
    /// Nanoseconds between two readings because the server refused the token: asking must not grow with the number of
    /// refusals. FIRST refuses by the same status what an account may not do, where no other token helps.
    var refusalPause: UInt64 { get }

    /// Reads the token anew.
    ///
    /// - Parameter refused: the token that the server has just refused; nil: the one held is merely due.
    func read(refused: String?) async throws(TokenFailure) -> TokenReading
}

/// A token and how long it holds, in nanoseconds from when it was read.
public struct TokenReading: Sendable, Equatable {
    public var token: String
    /// After this it is read again, while the one held still serves.
    public var renewAfter: UInt64
    /// After this it is no longer used without trying to read another first; nil: it may be used for ever.
    public var expiresAfter: UInt64?

    public init(token: String, renewAfter: UInt64, expiresAfter: UInt64? = nil) {
        self.token = token
        self.renewAfter = renewAfter
        self.expiresAfter = expiresAfter
    }
}

/// Why there is no token. Never holds one.
public struct TokenFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// What may be a bearer token (RFC 6750 §2.1 allows less): visible ASCII, so that it can never end its header field.
enum BearerToken {
    /// Bytes of the longest token that is taken.
    static let bytesAllowed = 16 << 10

    /// The token in a file's or a program's text: what is left when space around it is taken off.
    static func trimmed(_ bytes: [UInt8], from source: String) throws(TokenFailure) -> String {
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) }) else {
            throw TokenFailure("\(source) holds no token: it is empty")
        }
        return try checked(String(decoding: bytes[first...last], as: UTF8.self), from: source)
    }

    static func checked(_ token: String, from source: String) throws(TokenFailure) -> String {
        guard !token.isEmpty, token.utf8.count <= bytesAllowed, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw TokenFailure(
                "\(source) holds no token: allowed is visible ASCII on one line, at most \(bytesAllowed) bytes")
        }
        return token
    }
}
