import Globus

/// A client's token as Globus Compute's service takes it.
struct ClientTokenSource: TokenSource {
    let client: ClientToken

    func token() async throws(TokenUnavailable) -> String {
        do throws(GlobusError) {
            return try await client.token()
        } catch {
            throw TokenUnavailable(
                isRefused: !error.mayPass, message: error.message,
                retryAfterSeconds: error.retryAfterSeconds.map(Double.init))
        }
    }

    func drop(_ token: String) { client.drop(token) }
}
