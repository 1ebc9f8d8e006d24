import COpenSSL

@testable import Trust

/// What an issuer may sign for.
extension PeerCase {
    static let constraints: [PeerCase] = [
        constrained("permitted;URI:demo", nil),
        constrained("permitted;URI:other", .untrustedChain(reason: "")),
        constrained("permitted;URI:.demo", .untrustedChain(reason: "")),
        constrained("excluded;URI:demo", .untrustedChain(reason: "")),
        constrained("excluded;URI:other", nil),
        constrained("permitted;DNS:localhost", nil),
        constrained("permitted;DNS:example.org", .untrustedChain(reason: "")),
        constrained("excluded;IP:127.0.0.0/255.0.0.0", .untrustedChain(reason: "")),
        PeerCase("path length 0 of the direct issuer", nil) {
            let between = try Workshop.authority("between", below: $0.root) {
                $0.set(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
            }
            return [try $0.leaf(by: between), between.certificate]
        },
    ]

    /// A row about a leaf by an issuer with name constraints (RFC 5280 §4.2.1.10).
    private static func constrained(_ words: String, _ refusal: PeerRefusal?) -> PeerCase {
        PeerCase("name constraints \(words)", refusal) {
            let between = try Workshop.authority("between", below: $0.root) {
                $0.set(NID_name_constraints, "critical,\(words)")
            }
            return [try $0.leaf(by: between), between.certificate]
        }
    }
}
