public import Gossip
import Synchronization
public import Trust

/// Checks other nodes' words on who a user is: each once, then by its SHA-256. What they may speak of is asked anew each time.
public final class IdentityVerifier: Sendable {
    private struct Believed {
        let peer: NodeID
        let issuedAt: UInt64
        let expiresAt: UInt64
        /// As the peer told it.
        let told: UserIdentity
        /// What the peer's word was worth when this was judged, and what came of it.
        var vouching: Vouching
        var judgement: Result<RequestUser, VouchingRefusal>
    }

    /// Statements kept.
    static let kept = 8192

    private let site: String
    private let federation: String
    private let vouches: @Sendable (String) -> [String]?
    private let narrowing: [String: [String]]
    private let certificate: @Sendable (NodeID, String) -> Certificate?
    private let believed = Mutex<[SHA256Digest: Believed]>([:])
    private let counters: RoutingCounters

    /// - Parameters:
    ///   - site: this node's: statements for any other are refused.
    ///   - vouches: domains of users for whom a site may speak, by its admission; nil: it has none and speaks for nobody.
    ///   - narrowing: what this site takes of it, by site.
    ///   - counters: where signatures that were checked are counted.
    ///   - certificate: of a node of the federation with a thumbprint (hexadecimal), checked as of now; nil if it is not known
    ///     or not good. A node may have several: it renews its certificate, and what it signed before holds on.
    public init(
        site: String, federation: String, vouches: @escaping @Sendable (_ site: String) -> [String]?,
        narrowing: [String: [String]] = [:], counters: RoutingCounters = RoutingCounters(),
        certificate: @escaping @Sendable (NodeID, String) -> Certificate?
    ) {
        self.site = site
        self.federation = federation
        self.vouches = vouches
        self.narrowing = narrowing
        self.counters = counters
        self.certificate = certificate
    }

    /// - Parameters:
    ///   - token: as it came in `Meshnode-Identity`.
    ///   - peer: the node at the other end of the link, by its certificate.
    public func verify(
        _ token: UnsafeRawBufferPointer, from peer: NodeID, nowSeconds: UInt64
    ) throws(IdentityRefusal) -> RequestUser {
        let vouching = Vouching(
            site: peer.site, isOwn: peer.site == site, admitted: vouches(peer.site), narrowed: narrowing[peer.site])
        guard token.count <= IdentityLimits.tokenBytes else { throw .tooLarge }
        let digest = Digest.sha256(token)
        if let known = believed.withLock({ $0[digest] }) {
            guard known.peer == peer else { throw .otherSigner }
            try Self.checkTime(issuedAt: known.issuedAt, expiresAt: known.expiresAt, nowSeconds)
            if known.vouching == vouching { return try Self.user(known.judgement) }
            // The operator's word on that site has changed since.
            let judgement = Self.judge(known.told, vouching)
            believed.withLock {
                $0[digest]?.vouching = vouching
                $0[digest]?.judgement = judgement
            }
            return try Self.user(judgement)
        }
        let claims = try open(Array(token), from: peer)
        guard claims.aud == site else { throw .otherAudience }
        guard claims.exp >= claims.iat, claims.exp - claims.iat <= IdentityLimits.lifetimeSeconds,
            IdentityLimits.hold(claims.user)
        else { throw .malformed }
        try Self.checkTime(issuedAt: claims.iat, expiresAt: claims.exp, nowSeconds)
        let judgement = Self.judge(claims.user, vouching)
        believed.withLock {
            if $0.count >= Self.kept {
                $0 = $0.filter { nowSeconds <= $0.value.expiresAt + IdentityLimits.leewaySeconds }
                if $0.count >= Self.kept { $0.removeAll() }
            }
            $0[digest] = Believed(
                peer: peer, issuedAt: claims.iat, expiresAt: claims.exp, told: claims.user, vouching: vouching,
                judgement: judgement)
        }
        return try Self.user(judgement)
    }

    private static func judge(_ told: UserIdentity, _ vouching: Vouching) -> Result<RequestUser, VouchingRefusal> {
        if let refusal = vouching.refusal(of: told) { return .failure(refusal) }
        return .success(RequestUser(vouching.seen(told)))
    }

    private static func user(_ judgement: Result<RequestUser, VouchingRefusal>) throws(IdentityRefusal) -> RequestUser {
        switch judgement {
        case .success(let user): return user
        case .failure(let refusal): throw .notVouched(refusal)
        }
    }

    /// Signature before anything else is believed.
    private func open(_ token: [UInt8], from peer: NodeID) throws(IdentityRefusal) -> IdentityClaims {
        let parsed: JWS.Parsed
        do throws(TrustError) {
            parsed = try JWS.parse(token, maxBytes: IdentityLimits.tokenBytes)
        } catch { throw .malformed }
        guard parsed.type == IdentityLimits.type else { throw .malformed }
        guard let keyID = parsed.keyID, let certificate = certificate(peer, keyID),
            keyID == Digest.hex(certificate.thumbprint)
        else { throw .otherSigner }
        counters.identitiesVerified.increment()
        do throws(TrustError) {
            try JWS.verify(parsed, certificate: certificate)
        } catch { throw .badSignature }
        guard let claims = try? IdentityClaims.decode(parsed.payload) else { throw .malformed }
        guard claims.iss == "\(peer)", claims.federation == federation else { throw .otherSigner }
        return claims
    }

    private static func checkTime(issuedAt: UInt64, expiresAt: UInt64, _ now: UInt64) throws(IdentityRefusal) {
        let leeway = IdentityLimits.leewaySeconds
        guard issuedAt <= now + leeway else { throw .notYetValid }
        guard now < expiresAt || now - expiresAt <= leeway else { throw .expired }
    }
}
