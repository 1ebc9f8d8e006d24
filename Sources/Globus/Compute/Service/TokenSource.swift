/// Gives the token that calls to Globus Compute carry.
public protocol TokenSource: Sendable {
    func token() async throws(GlobusError) -> String
    /// The service did not take it: the next `token` is another.
    func drop(_ token: String)
}

extension ClientToken: TokenSource {}
