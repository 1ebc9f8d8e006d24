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

    public func identify(_ token: UnsafeRawBufferPointer, nowSeconds: UInt64) async -> Authentication {
        if let caller = tokens.caller(token) { return .caller(caller) }
        if let keys {
            let found = keys.identify(token, nowSeconds: nowSeconds)
            guard case .unknown = found else { return found }
        }
        guard let globus else { return .unknown }
        // Copied before anything is waited for: the connection's buffer may move meanwhile.
        return await globus.identify(Array(token), nowSeconds: nowSeconds, keys: keys)
    }
}
