import COpenSSL
import Testing

@testable import Trust

/// The certificate table: one row a way of being right or wrong.
@Suite struct PeerVerifierTests {
    @Test(arguments: PeerCase.all)
    func verifies(_ row: PeerCase) throws {
        let workshop = try Workshop.shared.get()
        // As in a handshake: bytes first.
        let bytes = try row.make(workshop)
        if row.isUnreadable {
            #expect(throws: TrustError.self) { try bytes.map { try Certificate(der: $0) } }
            return
        }
        let shown = try bytes.map { try Certificate(der: $0) }
        let verifier = try workshop.verifier()
        do throws(PeerRefusal) {
            let identity = try verifier.verify(
                chain: shown, now: Workshop.now + row.later, expected: row.expected.map { (site: "alpha", node: $0) })
            #expect(row.refusal == nil, "accepted as \(identity)")
            #expect(identity.uri == row.identity)
        } catch {
            #expect(row.refusal == error.withoutReason, "\(error)")
            #expect(error.description.contains("certificate"))
        }
    }

    @Test func everyKindOfRefusalIsInTheTable() {
        let kinds = Set(PeerCase.all.compactMap { $0.refusal.map { "\(String(reflecting: $0).prefix { $0 != "(" })" } })
        #expect(kinds.count >= 16, "\(kinds.sorted())")
        #expect(Set(PeerCase.all.map(\.name)).count == PeerCase.all.count, "two rows have one name")
        #expect(PeerCase.all.count >= 45)
    }

    /// Two authorities are trusted while one takes over from the other; none at all trusts nobody.
    @Test func severalRootsAndNone() throws {
        let workshop = try Workshop.shared.get()
        let leaf = try workshop.leaf()
        let both = PeerVerifier(federation: "demo", roots: [workshop.stranger.certificate, workshop.root.certificate])
        #expect(try both.verify(leaf: leaf, intermediates: [], now: Workshop.now).uri == Workshop.uri)
        let none = PeerVerifier(federation: "demo", roots: [])
        #expect(throws: PeerRefusal.self) { try none.verify(leaf: leaf, intermediates: [], now: Workshop.now) }
    }

    /// A verifier is shared by all loops.
    @Test func manyTasksAtOnce() async throws {
        let workshop = try Workshop.shared.get()
        let leaf = try workshop.leaf()
        let verifier = PeerVerifier(federation: "demo", roots: [workshop.root.certificate])
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<25).allSatisfy { _ in
                        (try? verifier.verify(leaf: leaf, intermediates: [], now: Workshop.now))?.uri == Workshop.uri
                    }
                }
            }
            for await isGood in group { #expect(isGood) }
        }
    }
}

extension PeerRefusal {
    /// The library's words differ between its versions.
    var withoutReason: PeerRefusal {
        switch self {
        case .untrustedChain: .untrustedChain(reason: "")
        case .wrongUsage: .wrongUsage(reason: "")
        case .unsuitableKey: .unsuitableKey(reason: "")
        // Cut where it is too long to be shown whole.
        case .malformedIdentity(let uri) where uri.hasSuffix("..."): .malformedIdentity(uri: "")
        default: self
        }
    }
}
