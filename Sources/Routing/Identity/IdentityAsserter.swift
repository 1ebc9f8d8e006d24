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
        let keyID: String
    }

    private struct Made {
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
    private let signer: @Sendable (String) -> IdentityKey
    private let made = Mutex<[Key: Made]>([:])
    private let signed = Atomic<Int>(0)

    /// Signatures that were made since the start.
    public var signatures: Int { signed.load(ordering: .relaxed) }

    /// - Parameter signer: the key of a link, by the name of its TLS context; asked each time, since keys are renewed while the
    ///   node runs.
    public init(me: NodeID, federation: String, signer: @escaping @Sendable (String) -> IdentityKey) {
        self.me = me
        self.federation = federation
        self.signer = signer
    }

    /// As above, with a key that stays.
    ///
    /// - Parameter certificate: of `key`; the verifier finds it in our identity record.
    public convenience init(me: NodeID, federation: String, key: PrivateKey, certificate: Certificate) {
        let fixed = IdentityKey(key: key, certificate: certificate)
        self.init(me: me, federation: federation) { _ in fixed }
    }

    /// - Parameters:
    ///   - site: the serving site, which alone may believe it.
    ///   - rules: that site's, by which a long list of groups is shortened.
    ///   - link: names the key of the link that it is to travel over: a site that has seen no other certificate of this node has
    ///     seen that one.
    /// - Returns: nil for an identity beyond all limits.
    public func assertion(
        of user: UserIdentity, for site: String, rules: [NamedRule], nowSeconds: UInt64, link: String = ""
    ) -> [UInt8]? {
        let signer = signer(link)
        var told = user
        var key = Key(subject: user.subject, site: site, groups: nil, keyID: signer.keyID)
        if user.groups.count > IdentityLimits.groups {
            let asked = Set(rules.flatMap(\.rule.groups))
            told.groups = user.groups.filter(asked.contains)
            key = Key(subject: user.subject, site: site, groups: told.groups, keyID: signer.keyID)
        }
        let known = made.withLock { $0[key] }
        if let known, known.identity == told, nowSeconds >= known.issuedAt,
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
            $0[key] = Made(identity: told, token: token, issuedAt: nowSeconds)
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
