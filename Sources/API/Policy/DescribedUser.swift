import Gossip
import Routing
import Transport

/// A user as an operator describes one who is not there: `as=alice@anl.gov&group=UUID`.
struct DescribedUser {
    let identity: UserIdentity

    /// Groups and policies that may be given.
    static let listAllowed = 64

    /// Reads `as`, and as far as given `domain`, `identityProvider`, `group` and `policy` (both once or more).
    ///
    /// - Parameter parameter: another name for `as`.
    /// - Throws: 400 without it.
    init(_ exchange: HTTPExchange, by parameter: String = "as") throws(APIError) {
        guard let name = exchange.query(parameter), !name.isEmpty, name.utf8.count <= IdentityLimits.textBytes else {
            throw APIError(
                400, code: "missing_parameter", parameter: parameter,
                "say which user: \(parameter)=alice@anl.gov, or \(parameter)=static:NAME for a token of the configuration")
        }
        func list(_ key: String) -> [String] { exchange.queries(key, atMost: Self.listAllowed).compactMap { $0 } }
        identity = UserIdentity(
            described: name, domain: exchange.query("domain"), identityProvider: exchange.query("identityProvider"),
            groups: list("group"), policies: list("policy"), nowSeconds: NodeAPI.nowSeconds)
    }
}
