/// Why a join is refused: a case for each thing that the facility would do something else about.
enum JoinRefusal: Error, Sendable, Equatable {
    /// No such invitation: made up, altered, or made at another node.
    case unknownInvite
    case expiredInvite(at: Int64)
    /// As many nodes as it is for have joined by it.
    case usedInvite(nodes: Int)
    /// The site, or a node of it, was revoked after it was invited.
    case revokedSite(String)
    /// Another key has this name.
    case nameTaken(site: String, node: String)
    /// A host name or address is another site's.
    case addressTaken(String)
    /// Not what a request to join is.
    case badRequest(String)
    /// The node that is asked signs no certificates: who does, if that is known.
    case notAnAuthority(others: [String])
    /// Nothing that the facility can mend.
    case failed(String)

    /// Status and `code` of the answer.
    var code: (status: Int, text: String) {
        switch self {
        case .unknownInvite: (403, "invite_unknown")
        case .expiredInvite: (403, "invite_expired")
        case .usedInvite: (409, "invite_used")
        case .revokedSite: (403, "site_revoked")
        case .nameTaken: (409, "name_taken")
        case .addressTaken: (409, "address_taken")
        case .badRequest: (400, "bad_request")
        case .notAnAuthority: (421, "not_an_authority")
        case .failed: (503, "authority_unavailable")
        }
    }

    /// What the facility is told.
    var message: String {
        switch self {
        case .unknownInvite:
            "this invitation is not known here: ask the federation's operator for a new one"
        case .expiredInvite(let at):
            "this invitation expired at \(Lifetime.moment(at)): ask the federation's operator for a new one"
        case .usedInvite(let nodes):
            "this invitation was used already\(nodes == 1 ? "" : ", by all \(nodes) nodes that it is for"): if that was not you, "
                + "tell the federation's operator; else ask for a new one"
        case .revokedSite(let site):
            "the site \(site), or a node of it, was revoked after this invitation was made: ask the federation's operator for a new one"
        case .nameTaken(let site, let node):
            "another node has the name \(site)/\(node): choose another with --node, or have the operator revoke that one first"
        case .addressTaken(let name):
            "another site has the address \(name): say with --advertise-mesh by which address this node is reached"
        case .badRequest(let reason): "this is no request to join: \(reason)"
        case .notAnAuthority(let others):
            "this node signs no certificates"
                + (others.isEmpty
                    ? ", and knows of no node that does: ask the federation's operator"
                    : "; these do: \(others.joined(separator: ", ")): ask the operator for an invitation from one of them")
        case .failed(let reason): "the invitation is good, but the certificate could not be made: \(reason); try again"
        }
    }
}
