import Gossip
import Synchronization
import Trust

/// The authorization code flow as the `/login` page needs it (RFC 6749 §4.1, PKCE of RFC 7636).
public protocol WebLoginFlow: Sendable {
    /// Where the browser is sent.
    ///
    /// - Parameters:
    ///   - state: comes back with the browser.
    ///   - challenge: SHA-256 of the verifier in base64url (`S256`).
    func authorizationURL(state: String, challenge: String) -> String
    /// Trades the code that the browser brought for the user's identity.
    func identify(code: String, verifier: String) async -> UserIntrospection
}

/// Logins under way, each bound to one browser by a cookie, good once and for ten minutes.
final class LoginStates: Sendable {
    enum Step: Sendable {
        /// Sent to the identity provider with this verifier.
        case sent(verifier: String)
        /// Back, and about to make a key.
        case known(UserIdentity)
    }

    private struct Entry {
        let step: Step
        let browser: SHA256Digest
        let expiresAt: UInt64
    }

    static let lifetimeSeconds: UInt64 = 600
    /// Logins under way at once; one more is told to wait.
    static let allowed = 4096

    private let entries = Mutex<[SHA256Digest: Entry]>([:])

    /// - Parameter browser: the secret in the browser's cookie.
    /// - Returns: the state's name, which cannot be guessed; nil when too many are under way.
    func begin(_ step: Step, browser: String, nowSeconds: UInt64) -> String? {
        let name = Random.token()
        let isKept = entries.withLock { entries in
            if entries.count >= Self.allowed { entries = entries.filter { $0.value.expiresAt > nowSeconds } }
            guard entries.count < Self.allowed else { return false }
            entries[SHA256Digest.of(name)] = Entry(
                step: step, browser: SHA256Digest.of(browser), expiresAt: nowSeconds + Self.lifetimeSeconds)
            return true
        }
        return isKept ? name : nil
    }

    /// Takes a state out, whatever becomes of it; nil unless it is this browser's and not too old.
    func take(_ name: String, browser: String, nowSeconds: UInt64) -> Step? {
        let entry = entries.withLock { $0.removeValue(forKey: SHA256Digest.of(name)) }
        guard let entry, entry.expiresAt > nowSeconds, entry.browser == SHA256Digest.of(browser) else { return nil }
        return entry.step
    }

    var count: Int { entries.withLock { $0.count } }
}
