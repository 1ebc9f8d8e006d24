@testable import Trust

/// Peers that are taken, and the few that are refused for who they are.
extension PeerCase {
    static let good: [PeerCase] = [
        PeerCase("good", nil) { [try $0.leaf()] },
        PeerCase("good and the one expected", nil, expected: "a1") { [try $0.leaf()] },
        PeerCase("good, with one issuer between", nil) {
            let between = try Workshop.authority("between", below: $0.root)
            return [try $0.leaf(by: between), between.certificate]
        },
        PeerCase("good, with two issuers in the wrong order", nil) {
            let upper = try Workshop.authority("upper", below: $0.root)
            let lower = try Workshop.authority("lower", below: upper)
            return [try $0.leaf(by: lower), upper.certificate, lower.certificate]
        },
        PeerCase("good, with strange certificates beside", nil) {
            [try $0.leaf(), $0.stranger.certificate, $0.root.certificate]
        },
        leaf("good, without other names than the URI", nil) {
            $0.dnsNames = []
            $0.addresses = []
        },
        PeerCase("no certificate", .noCertificate) { _ in [] },
        PeerCase("another node than was called", .unexpectedNode(found: "alpha/a1", expected: "alpha/a2"), expected: "a2") {
            [try $0.leaf()]
        },
    ]
}
