public import Globus

/// A token that Globus Auth issues to this site's own account by its client's credentials, and renews ahead of its end.
public final class IssuedToken: TokenOrigin {
    public let refusalPause: UInt64 = 30_000_000_000
    /// Nanoseconds between two looks at what is in memory, where the renewing is seen to.
    static let lookInterval: UInt64 = 1_000_000_000
    /// After so long without a look, one is taken before the token is used.
    static let unseenInterval: UInt64 = 60_000_000_000

    private let token: ClientToken

    public init(_ token: ClientToken) { self.token = token }

    public func read(refused: String?) async throws(TokenFailure) -> TokenReading {
        if let refused { token.drop(refused) }
        do throws(GlobusError) {
            return TokenReading(
                token: try await token.token(), renewAfter: Self.lookInterval, expiresAfter: Self.unseenInterval)
        } catch {
            if error.name == "invalid_client" {
                throw TokenFailure("Globus Auth does not know the client of this site's account, or not by this secret")
            }
            throw TokenFailure("\(error)")
        }
    }
}
