public import Transport

/// Asks in turn who knows a token: the configuration, the API keys, Globus Auth.
public final class AuthenticationChain: Authenticator {
    private let tokens: StaticTokens
    private let keys: KeyStore?
    private let globus: GlobusUsers?

    public init(tokens: StaticTokens, keys: KeyStore? = nil, globus: GlobusUsers? = nil) {
        self.tokens = tokens
        self.keys = keys
        self.globus = globus
    }

    public func identify(
        _ token: UnsafeRawBufferPointer, nowSeconds: UInt64, client: () -> SocketAddress?
    ) async -> Authentication {
        if let caller = tokens.caller(token) { return .caller(caller) }
        if let keys {
            let found = keys.identify(token, nowSeconds: nowSeconds)
            guard case .unknown = found else { return found }
        }
        guard let globus else { return .unknown }
        // Copied before anything is waited for: the connection's buffer may move meanwhile.
        return await globus.identify(Array(token), from: client()?.clientName, nowSeconds: nowSeconds, keys: keys)
    }
}

extension SocketAddress {
    /// One name for all addresses that one client surely has: of IPv6 the network of 64 bits.
    var clientName: String {
        guard bytes.count == 16 else { return host }
        let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
        if isMapped { return SocketAddress(bytes: Array(bytes.suffix(4)), port: 0).host }
        return SocketAddress(bytes: bytes.prefix(8) + [UInt8](repeating: 0, count: 8), port: 0).host
    }
}
