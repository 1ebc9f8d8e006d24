public import Gossip
import Synchronization
public import Trust

/// Why another node's word on who a user is was not believed; the raw value is its code on the wire.
public enum IdentityRefusal: String, Error, Sendable, CaseIterable {
    case missing = "identity_missing"
    case tooLarge = "identity_too_large"
    case malformed = "identity_malformed"
    case otherSigner = "identity_other_signer"
    case badSignature = "identity_bad_signature"
    case otherAudience = "identity_other_audience"
    case expired = "identity_expired"
    case notYetValid = "identity_not_yet_valid"

    /// 403 where the statement is good but is not for this use; 401 for all else.
    var status: Int { self == .otherSigner || self == .otherAudience ? 403 : 401 }

    var message: String {
        switch self {
        case .missing: "this model has access rules, and the entry node did not say who the user is"
        case .tooLarge: "the statement on who the user is has more than \(IdentityLimits.tokenBytes) bytes"
        case .malformed: "what should say who the user is cannot be read"
        case .otherSigner: "another node than the one that sent it says who the user is"
        case .badSignature: "the statement on who the user is was altered"
        case .otherAudience: "the statement on who the user is is for another site"
        case .expired: "the statement on who the user is has expired: compare the clocks"
        case .notYetValid: "the statement on who the user is is from the future: compare the clocks"
        }
    }
}

/// Checks other nodes' words on who a user is: each once, then by its SHA-256.
public final class IdentityVerifier: Sendable {
    private struct Believed {
        let peer: NodeID
        let issuedAt: UInt64
        let expiresAt: UInt64
        let user: RequestUser
    }

    /// Statements kept.
    static let kept = 8192

    private let site: String
    private let federation: String
    private let certificate: @Sendable (NodeID, String) -> Certificate?
    private let believed = Mutex<[SHA256Digest: Believed]>([:])

    /// - Parameters:
    ///   - site: this node's: statements for any other are refused.
    ///   - certificate: of a node of the federation with a thumbprint (hexadecimal), checked as of now; nil if it is not known
    ///     or not good. A node may have several: it renews its certificate, and what it signed before holds on.
    public init(site: String, federation: String, certificate: @escaping @Sendable (NodeID, String) -> Certificate?) {
        self.site = site
        self.federation = federation
        self.certificate = certificate
    }

    /// - Parameters:
    ///   - token: as it came in `Meshnode-Identity`.
    ///   - peer: the node at the other end of the link, by its certificate.
    public func verify(
        _ token: UnsafeRawBufferPointer, from peer: NodeID, nowSeconds: UInt64
    ) throws(IdentityRefusal) -> RequestUser {
        guard token.count <= IdentityLimits.tokenBytes else { throw .tooLarge }
        let digest = Digest.sha256(token)
        if let known = believed.withLock({ $0[digest] }) {
            guard known.peer == peer else { throw .otherSigner }
            try Self.checkTime(issuedAt: known.issuedAt, expiresAt: known.expiresAt, nowSeconds)
            return known.user
        }
        let claims = try open(Array(token), from: peer)
        guard claims.aud == site else { throw .otherAudience }
        guard claims.exp >= claims.iat, claims.exp - claims.iat <= IdentityLimits.lifetimeSeconds,
            IdentityLimits.hold(claims.user)
        else { throw .malformed }
        try Self.checkTime(issuedAt: claims.iat, expiresAt: claims.exp, nowSeconds)
        let user = RequestUser(claims.user)
        believed.withLock {
            if $0.count >= Self.kept {
                $0 = $0.filter { nowSeconds <= $0.value.expiresAt + IdentityLimits.leewaySeconds }
                if $0.count >= Self.kept { $0.removeAll() }
            }
            $0[digest] = Believed(peer: peer, issuedAt: claims.iat, expiresAt: claims.exp, user: user)
        }
        return user
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
