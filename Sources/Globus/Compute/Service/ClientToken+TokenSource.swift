/// A client's own token, as calls to Compute carry it.
public struct ClientTokenSource: TokenSource {
    private let client: ClientToken
    public init(_ client: ClientToken) { self.client = client }

    public func token() async throws(TokenUnavailable) -> String {
        do throws(GlobusError) {
            return try await client.token()
        } catch {
            let isRefused = error.code == .unauthorized || error.code == .forbidden || error.code == .configuration
            throw TokenUnavailable(
                isRefused: isRefused, message: error.message, retryAfterSeconds: error.retryAfterSeconds.map { Double($0) })
        }
    }

    public func drop(_ token: String) { client.drop(token) }
}
