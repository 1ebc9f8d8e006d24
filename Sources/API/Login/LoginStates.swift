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
///
/// Until the browser comes back nothing is kept here, since anyone can begin as many as they like: the state holds its end and a
/// code under a key of this process, and the cookie and PKCE's verifier are computed from it.
final class LoginStates: Sendable {
    /// What a login begins with.
    struct Begun: Sendable {
        /// Goes to the identity provider and comes back.
        let state: String
        /// The secret in the browser's cookie.
        let browser: String
        let verifier: String
    }

    private struct Ticket {
        let identity: UserIdentity
        let browser: SHA256Digest
        let expiresAt: UInt64
    }

    static let lifetimeSeconds: UInt64 = 600
    /// Those who are back and about to make a key; one more takes the place of the oldest.
    static let ticketsAllowed = 4096
    /// States remembered as used; one more takes the place of the oldest. That one's cookie could then be used once more, for which
    /// it takes another code of the identity provider.
    static let usedAllowed = 4096

    private let key = Random.bytes(32)
    private let tickets = Mutex(Recent<Ticket>(allowed: ticketsAllowed))
    private let used = Mutex(Recent<Void>(allowed: usedAllowed))

    func begin(nowSeconds: UInt64) -> Begun {
        let end = nowSeconds + Self.lifetimeSeconds
        let content = withUnsafeBytes(of: end.bigEndian) { Array($0) } + Random.bytes(Self.nonceBytes)
        let state = Base64.encodeURL(content + code("state", content))
        return Begun(state: state, browser: secret("browser", state), verifier: secret("verifier", state))
    }

    /// Uses a state up, whatever becomes of it.
    ///
    /// - Returns: the verifier; nil unless the state is this browser's, not used yet and not too old.
    func comeBack(_ state: String, browser: String, nowSeconds: UInt64) -> String? {
        guard state.utf8.count <= Self.stateBytes * 2, let bytes = try? Base64.decodeURL(state),
            bytes.count == Self.stateBytes
        else { return nil }
        let content = Array(bytes.prefix(8 + Self.nonceBytes))
        guard constantTimeEqual(Array(bytes.suffix(32)), code("state", content)) else { return nil }
        let end = content.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard nowSeconds < end, used.withLock({ $0.put(SHA256Digest.of(state), ()) }),
            constantTimeEqual(Array(browser.utf8), Array(secret("browser", state).utf8))
        else { return nil }
        return secret("verifier", state)
    }

    /// Lets one who is back make a key.
    ///
    /// - Returns: the ticket's name, which cannot be guessed.
    func admit(_ identity: UserIdentity, browser: String, nowSeconds: UInt64) -> String {
        let name = Random.token()
        let ticket = Ticket(
            identity: identity, browser: SHA256Digest.of(browser), expiresAt: nowSeconds + Self.lifetimeSeconds)
        tickets.withLock { _ = $0.put(SHA256Digest.of(name), ticket) }
        return name
    }

    /// Takes a ticket out, whatever becomes of it; nil unless it is this browser's and not too old.
    func take(_ name: String, browser: String, nowSeconds: UInt64) -> UserIdentity? {
        let ticket = tickets.withLock { $0.remove(SHA256Digest.of(name)) }
        guard let ticket, ticket.expiresAt > nowSeconds, ticket.browser == SHA256Digest.of(browser) else { return nil }
        return ticket.identity
    }

    private static let nonceBytes = 16
    private static let stateBytes = 8 + nonceBytes + 32

    private func code(_ purpose: String, _ content: [UInt8]) -> [UInt8] {
        Digest.hmac(Array(purpose.utf8) + [0] + content, key: key)
    }

    private func secret(_ purpose: String, _ state: String) -> String {
        Base64.encodeURL(code(purpose, Array(state.utf8)))
    }
}

/// At most so many entries; a new one takes the place of the oldest.
private struct Recent<Value> {
    let allowed: Int
    private var entries: [SHA256Digest: (number: Int, value: Value)] = [:]
    /// Names in the order in which they came, in a ring.
    private var order: [SHA256Digest] = []
    private var added = 0

    init(allowed: Int) { self.allowed = allowed }

    /// - Returns: false when it was there already.
    mutating func put(_ name: SHA256Digest, _ value: Value) -> Bool {
        guard entries[name] == nil else { return false }
        let place = added % allowed
        if order.count < allowed {
            order.append(name)
        } else {
            // What was taken out before is gone already, or came again later.
            if entries[order[place]]?.number == added - allowed { entries[order[place]] = nil }
            order[place] = name
        }
        entries[name] = (added, value)
        added += 1
        return true
    }

    mutating func remove(_ name: SHA256Digest) -> Value? { entries.removeValue(forKey: name)?.value }
}
