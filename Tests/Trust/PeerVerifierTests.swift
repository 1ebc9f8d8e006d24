import COpenSSL
import Testing

@testable import Trust

/// The certificate table: one row a way of being right or wrong.
@Suite struct PeerVerifierTests {
    @Test(arguments: PeerCase.all)
    func verifies(_ row: PeerCase) throws {
        let workshop = try Workshop.shared.get()
        let shown = try row.make(workshop)
        let verifier = PeerVerifier(federation: "demo", roots: [workshop.root.certificate])
        do throws(PeerRefusal) {
            let identity = try verifier.verify(
                chain: shown, now: Workshop.now + row.later, expected: row.expected.map { (site: "alpha", node: $0) })
            #expect(row.refusal == nil, "accepted as \(identity)")
            #expect(identity.uri == Workshop.uri)
        } catch {
            #expect(row.refusal == error.withoutReason, "\(error)")
            #expect(error.description.contains("certificate"))
        }
    }

    @Test func everyKindOfRefusalIsInTheTable() {
        let kinds = Set(PeerCase.all.compactMap { $0.refusal.map { "\(String(reflecting: $0).prefix { $0 != "(" })" } })
        #expect(kinds.count >= 13, "\(kinds.sorted())")
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
        default: self
        }
    }
}
