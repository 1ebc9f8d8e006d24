import Testing

@testable import Trust

/// One row of the certificate table.
struct PeerCase: Sendable, CustomTestStringConvertible {
    let name: String
    /// nil where the peer is accepted as alpha/a1. Reasons are left out.
    let refusal: PeerRefusal?
    /// What is shown cannot even be read as certificates.
    var isUnreadable = false
    /// Seconds after `Workshop.now` that the check is made.
    var later: Int64 = 0
    /// As whom it is accepted.
    var identity = Workshop.uri
    /// The node of site alpha that was called.
    var expected: String?
    /// What the peer shows, DER, its own certificate first.
    let make: @Sendable (Workshop) throws -> [[UInt8]]

    var testDescription: String { name }

    init(
        _ name: String, _ refusal: PeerRefusal?, later: Int64 = 0, expected: String? = nil,
        make: @escaping @Sendable (Workshop) throws -> [Certificate]
    ) {
        self.name = name
        self.refusal = refusal
        self.later = later
        self.expected = expected
        self.make = { try make($0).map(\.der) }
    }

    /// A row about bytes that are no certificate.
    init(unreadable name: String, make: @escaping @Sendable (Workshop) throws -> [[UInt8]]) {
        self.name = name
        refusal = nil
        isUnreadable = true
        self.make = make
    }

    /// A row about one certificate that is right in all but one thing.
    static func leaf(
        _ name: String, _ refusal: PeerRefusal?, change: @escaping @Sendable (inout CertificateBuilder) -> Void
    ) -> PeerCase { PeerCase(name, refusal) { [try $0.leaf(change: change)] } }

    static let all: [PeerCase] =
        good + times + identities + usages + issuers + chains + constraints + strengths + encodings
        + federations

    func being(_ uri: String) -> PeerCase {
        var other = self
        other.identity = uri
        return other
    }

    func at(_ seconds: Int64) -> PeerCase {
        var moved = self
        moved.later = seconds
        return moved
    }
}
