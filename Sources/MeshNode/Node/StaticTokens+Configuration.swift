import API
import Gossip
import Routing
import Trust

extension StaticTokens {
    /// The tokens of a configuration, which has checked their form.
    init(configured tokens: [TokenConfiguration]) {
        var callers: [SHA256Digest: Caller] = [:]
        for token in tokens {
            guard let digest = SHA256Digest(hex: token.sha256), let role = Role(name: token.role.rawValue) else { continue }
            callers[digest] = Caller(user: RequestUser(UserIdentity(staticToken: token.name)), role: role)
        }
        self.init(callers)
    }
}
