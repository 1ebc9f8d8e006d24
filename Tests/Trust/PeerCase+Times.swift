@testable import Trust

/// Validity, and clocks that differ.
extension PeerCase {
    static let times: [PeerCase] = [
        PeerCase("a second before its end", nil, later: Workshop.day - 1) { [try $0.leaf()] },
        PeerCase("at its end", .expired(notAfter: Workshop.now + Workshop.day), later: Workshop.day) { [try $0.leaf()] },
        PeerCase("in its first second", nil, later: -Workshop.day) { [try $0.leaf()] },
        PeerCase("a second early", .notYetValid(notBefore: Workshop.now - Workshop.day), later: -Workshop.day - 1) {
            [try $0.leaf()]
        },
        PeerCase("expired issuer", .untrustedChain(reason: "")) {
            let between = try Workshop.authority("between", below: $0.root) { $0.notAfter = Workshop.now - 1 }
            return [try $0.leaf(by: between), between.certificate]
        },
        leaf("expired root", .untrustedChain(reason: "")) { $0.notAfter = Workshop.now + 200 * Workshop.day }.at(
            101 * Workshop.day),
        leaf("expired long ago", .expired(notAfter: Workshop.now - Workshop.day / 2)) {
            $0.notAfter = Workshop.now - Workshop.day / 2
        },
        leaf("valid from tomorrow", .notYetValid(notBefore: Workshop.now + Workshop.day)) {
            $0.notBefore = Workshop.now + Workshop.day
            $0.notAfter = Workshop.now + 2 * Workshop.day
        },
        leaf("made by a clock 5 min ahead, as far as certificates are backdated", nil) { $0.notBefore = Workshop.now },
        leaf("made by a clock a second more ahead", .notYetValid(notBefore: Workshop.now + 1)) {
            $0.notBefore = Workshop.now + 1
        },
        PeerCase("issuer not valid yet", .untrustedChain(reason: "")) {
            let between = try Workshop.authority("between", below: $0.root) { $0.notBefore = Workshop.now + 1 }
            return [try $0.leaf(by: between), between.certificate]
        },
        leaf("root not valid yet", .untrustedChain(reason: "")) { $0.notBefore = Workshop.now - 300 * Workshop.day }.at(
            -101 * Workshop.day),
        leaf("it ends before it begins", .expired(notAfter: Workshop.now - 60)) {
            $0.notBefore = Workshop.now - 30
            $0.notAfter = Workshop.now - 60
        },
    ]
}
