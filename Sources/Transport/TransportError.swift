/// Why bytes could not be moved.
public struct TransportError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What happened, for code to decide on.
    public enum Code: Sendable, Equatable {
        /// The peer ended the stream in order.
        case endOfStream
        /// The connection broke: reset, refused, unreachable.
        case connectionLost
        /// A deadline passed.
        case timedOut
        /// Somebody here gave it up: the client left, another attempt won, the program ends.
        case cancelled
        /// An operator, or the federation, withdrew the trust that it rested on.
        case revoked
        /// The HTTP proxy in between would not, or could not, connect us.
        case proxy
        /// The certificate of one side, by which it was proven, is past its end.
        case expired
        /// The TLS handshake or a record failed.
        case tls
        /// The peer was gone, without a word, before the TLS handshake was done.
        case handshakeCut
        /// The peer's bytes are not what the protocol allows.
        case protocolViolation
        /// A limit of ours was passed.
        case limitExceeded
        /// A host name has no address.
        case unknownHost
        /// The operating system refused: a port in use, no descriptor left.
        case system
    }

    public var code: Code
    /// One line for people: what was being done and what came of it.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    /// Whether something is there that would not have us, or that we would not have.
    public var isRefusal: Bool { code == .tls || code == .handshakeCut || code == .proxy }

    static let endOfStream = TransportError(.endOfStream, "the peer closed the connection")
    /// A deadline passed.
    public static let timedOut = TransportError(.timedOut, "timed out")
    static let cancelled = TransportError(.cancelled, "given up")
    static let connectionLost = TransportError(.connectionLost, "the connection was reset")
}
