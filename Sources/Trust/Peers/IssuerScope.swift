/// For whom an issuing certificate may sign: what its own URI says. `spiffe://FEDERATION` is good for every site,
/// `spiffe://FEDERATION/site/SITE` for that site's nodes alone. One without a URI is bounded by those above it: an existing
/// authority of a facility rarely carries one.
enum IssuerScope: Equatable {
    case unbounded
    case federation(String)
    case site(federation: String, site: String)
    /// It names something else, or several things: it may sign for nobody here.
    case none(shown: String)

    init(uris: [[UInt8]]) {
        guard let first = uris.first else {
            self = .unbounded
            return
        }
        let shown = printable(first)
        guard uris.count == 1, first.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            self = .none(shown: shown)
            return
        }
        let parts = String(decoding: first, as: UTF8.self).split(separator: "/", omittingEmptySubsequences: false)
            .map(String.init)
        switch parts.count {
        case 3 where parts[0] == "spiffe:" && parts[1].isEmpty && SPIFFEID.isFederation(parts[2]):
            self = .federation(parts[2])
        case 5
        where parts[0] == "spiffe:" && parts[1].isEmpty && SPIFFEID.isFederation(parts[2]) && parts[3] == "site"
            && SPIFFEID.isLabel(parts[4]):
            self = .site(federation: parts[2], site: parts[4])
        default: self = .none(shown: shown)
        }
    }

    /// Whether it may sign the certificate of a node.
    func covers(_ node: SPIFFEID) -> Bool {
        switch self {
        case .unbounded: true
        case .federation(let federation): federation == node.federation
        case .site(let federation, let site): federation == node.federation && site == node.site
        case .none: false
        }
    }

    var description: String {
        switch self {
        case .unbounded: "no URI"
        case .federation(let federation): "spiffe://\(federation)"
        case .site(let federation, let site): "spiffe://\(federation)/site/\(site)"
        case .none(let shown): shown
        }
    }
}
