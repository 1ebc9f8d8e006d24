public import Gossip
import Synchronization
public import Trust

/// What statements on users are signed with.
public struct IdentityKey: Sendable {
    public let key: PrivateKey
    /// Thumbprint of its certificate, in hexadecimal.
    public let keyID: String

    public init(key: PrivateKey, certificate: Certificate) {
        self.key = key
        keyID = Digest.hex(certificate.thumbprint)
    }
}

/// Makes this node's signed word on who a user is, for one serving site: once a user, site and minute, then from memory.
public final class IdentityAsserter: Sendable {
    private struct Key: Hashable {
        let subject: String
        let site: String
        /// Groups told, where they are not all of the user's.
        let groups: [String]?
    }

    private struct Made {
        let keyID: String
        let identity: UserIdentity
        let token: [UInt8]
        let issuedAt: UInt64
    }

    /// A statement is made anew when it has less than this to last.
    private static let renewSeconds: UInt64 = 10
    /// Statements kept.
    static let kept = 4096

    private let me: NodeID
    private let federation: String
    private let signer: @Sendable () -> IdentityKey
    private let made = Mutex<[Key: Made]>([:])
    private let signed = Atomic<Int>(0)

    /// Signatures that were made since the start.
    public var signatures: Int { signed.load(ordering: .relaxed) }

    /// - Parameter signer: the key in force; asked each time, since it is renewed while the node runs.
    public init(me: NodeID, federation: String, signer: @escaping @Sendable () -> IdentityKey) {
        self.me = me
        self.federation = federation
        self.signer = signer
    }

    /// As above, with a key that stays.
    ///
    /// - Parameter certificate: of `key`; the verifier finds it in our identity record.
    public convenience init(me: NodeID, federation: String, key: PrivateKey, certificate: Certificate) {
        let fixed = IdentityKey(key: key, certificate: certificate)
        self.init(me: me, federation: federation) { fixed }
    }

    /// - Parameters:
    ///   - site: the serving site, which alone may believe it.
    ///   - rules: that site's, by which a long list of groups is shortened.
    /// - Returns: nil for an identity beyond all limits.
    public func assertion(
        of user: UserIdentity, for site: String, rules: [NamedRule], nowSeconds: UInt64
    ) -> [UInt8]? {
        var told = user
        var key = Key(subject: user.subject, site: site, groups: nil)
        if user.groups.count > IdentityLimits.groups {
            let asked = Set(rules.flatMap(\.rule.groups))
            told.groups = user.groups.filter(asked.contains)
            key = Key(subject: user.subject, site: site, groups: told.groups)
        }
        // What the key before this one signed is not used again: peers that came since may never have seen its certificate.
        let signer = signer()
        let known = made.withLock { $0[key] }
        if let known, known.keyID == signer.keyID, known.identity == told, nowSeconds >= known.issuedAt,
            nowSeconds - known.issuedAt <= IdentityLimits.lifetimeSeconds - Self.renewSeconds
        {
            return known.token
        }
        guard IdentityLimits.hold(told), let token = sign(told, for: site, by: signer, nowSeconds) else { return nil }
        made.withLock {
            if $0.count >= Self.kept {
                $0 = $0.filter { nowSeconds < $0.value.issuedAt + IdentityLimits.lifetimeSeconds }
                if $0.count >= Self.kept { $0.removeAll() }
            }
            $0[key] = Made(keyID: signer.keyID, identity: told, token: token, issuedAt: nowSeconds)
        }
        return token
    }

    private func sign(
        _ user: UserIdentity, for site: String, by signer: IdentityKey, _ nowSeconds: UInt64
    ) -> [UInt8]? {
        let claims = IdentityClaims(
            iss: "\(me)", aud: site, federation: federation, iat: nowSeconds,
            exp: nowSeconds + IdentityLimits.lifetimeSeconds, user: user)
        signed.add(1, ordering: .relaxed)
        do {
            let token = try JWS.sign(
                payload: try claims.encode(), type: IdentityLimits.type, key: signer.key, keyID: signer.keyID)
            return token.count <= IdentityLimits.tokenBytes ? token : nil
        } catch { return nil }
    }
}
