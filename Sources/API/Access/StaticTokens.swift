public import Transport
public import Trust

/// Tokens named in the configuration by their SHA-256: the service accounts, and the demo's.
///
/// The look-up is by digest: its time tells nothing of a token that is nearly right.
public struct StaticTokens: Authenticator {
    private let callers: [SHA256Digest: Caller]

    public init(_ callers: [SHA256Digest: Caller]) { self.callers = callers }

    func caller(_ token: UnsafeRawBufferPointer) -> Caller? { callers[Digest.sha256(token)] }

    public func identify(
        _ token: UnsafeRawBufferPointer, nowSeconds: UInt64, client: () -> SocketAddress?
    ) async -> Authentication {
        caller(token).map { .caller($0) } ?? .unknown
    }
}
