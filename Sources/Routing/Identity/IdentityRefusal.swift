public import Gossip

/// Why another node's word on who a user is was not believed.
public enum IdentityRefusal: Error, Hashable, Sendable {
    case missing
    case tooLarge
    case malformed
    case otherSigner
    case badSignature
    case otherAudience
    case expired
    case notYetValid
    /// The node's site may not speak for this user.
    case notVouched(VouchingRefusal)
    /// The model takes nobody's word; the URL of this node's own API, as far as is known.
    case highAssurance(api: String?)

    /// On the wire.
    public var code: String {
        switch self {
        case .missing: "identity_missing"
        case .tooLarge: "identity_too_large"
        case .malformed: "identity_malformed"
        case .otherSigner: "identity_other_signer"
        case .badSignature: "identity_bad_signature"
        case .otherAudience: "identity_other_audience"
        case .expired: "identity_expired"
        case .notYetValid: "identity_not_yet_valid"
        case .notVouched: RoutingFailure.Kind.notVouched.rawValue
        case .highAssurance: RoutingFailure.Kind.highAssurance.rawValue
        }
    }

    /// 403 where the statement is good but is not for this use; 401 for all else.
    var status: Int {
        switch self {
        case .otherSigner, .otherAudience, .notVouched, .highAssurance: 403
        default: 401
        }
    }

    /// As OpenAI's clients know it.
    var type: String { status == 403 && isForUsers ? "permission_error" : "authentication_error" }

    /// Whether users can do something about it; all else is between the nodes.
    private var isForUsers: Bool {
        switch self {
        case .notVouched, .highAssurance: true
        default: false
        }
    }

    var message: String {
        switch self {
        case .missing: "the entry node did not say who the user is"
        case .tooLarge: "the statement on who the user is has more than \(IdentityLimits.tokenBytes) bytes"
        case .malformed: "what should say who the user is cannot be read"
        case .otherSigner: "another node than the one that sent it says who the user is"
        case .badSignature: "the statement on who the user is was altered"
        case .otherAudience: "the statement on who the user is is for another site"
        case .expired: "the statement on who the user is has expired: compare the clocks"
        case .notYetValid: "the statement on who the user is is from the future: compare the clocks"
        case .notVouched(let refusal): refusal.description
        case .highAssurance(let api): Exclusion.ownNodeOnly(api)
        }
    }
}
