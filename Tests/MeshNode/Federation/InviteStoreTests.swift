import Foundation
import Storage
import Testing
import Trust

@testable import MeshNode

@Suite struct InviteStoreTests {
    private static let now: Int64 = 1_800_000_000

    private let folder: String
    private let store: InviteStore

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/invites-\(UInt64.random(in: 0 ... .max))"
        try SecretFile.makeDirectory(folder)
        let thread = StorageThread()
        try thread.start()
        store = try InviteStore.open(folder + "/federation.db", thread: thread, now: Self.now).store
    }

    private func invite(_ name: String, nodes: Int = 1, site: String = "alpha") -> InviteStore.Invite {
        InviteStore.Invite(
            digest: Digest.sha256(Array(name.utf8)), site: site, nodes: nodes, domains: nil, addsNodes: false,
            expiresAt: Self.now + 100, createdAt: Self.now, createdBy: "operator")
    }

    private func candidate(
        _ name: String, key: String = "k1", node: String = "n1", names: [String] = [], now: Int64 = now
    ) -> InviteStore.Candidate {
        InviteStore.Candidate(
            digest: Digest.sha256(Array(name.utf8)), key: Digest.sha256(Array(key.utf8)), node: node, names: names,
            address: "192.0.2.1", now: now)
    }

    private func admit(_ candidate: InviteStore.Candidate) async throws -> Result<InviteStore.Grant, JoinRefusal> {
        try await store.admit(
            candidate,
            judge: { invite, holder in
                holder.map { $0.key == candidate.key ? nil : .nameTaken(site: invite.site, node: candidate.node) } ?? nil
            },
            make: { invite, isFirst in
                let grant = InviteStore.Grant(
                    site: invite.site, node: candidate.node, certificates: ["\(UInt64.random(in: 0 ... .max))"],
                    admission: isFirst ? "admission" : nil)
                return .success((grant, candidate.now..<candidate.now + 1000))
            })
    }

    @Test func oneUseAndTheSameAgainForTheSameKey() async throws {
        try await store.add(invite("a"))
        let first = try (try await admit(candidate("a"))).get()
        #expect(first.admission == "admission" && !first.isRepeated)
        let again = try (try await admit(candidate("a"))).get()
        #expect(again.certificates == first.certificates && again.isRepeated && again.admission == "admission")
        // Also once the invitation is over: it was granted.
        let late = try (try await admit(candidate("a", now: Self.now + 500))).get()
        #expect(late.certificates == first.certificates)
        #expect(try await admit(candidate("a", key: "k2", node: "n2")) == .failure(.usedInvite(nodes: 1)))
        // The certificate has ended: what is left is an invitation that is over.
        let over = try await admit(candidate("a", now: Self.now + 2000))
        #expect(over == .failure(.expiredInvite(at: Self.now + 100)))
    }

    @Test func whatIsNotKnownOrOver() async throws {
        try await store.add(invite("a"))
        #expect(try await admit(candidate("b")) == .failure(.unknownInvite))
        #expect(
            try await admit(candidate("a", now: Self.now + 100)) == .failure(.expiredInvite(at: Self.now + 100)))
    }

    @Test func namesAreGivenOnce() async throws {
        try await store.add(invite("a", nodes: 3))
        try await store.add(invite("b", nodes: 3, site: "beta"))
        _ = try (try await admit(candidate("a", names: ["a.example.org", "10.0.0.1"]))).get()
        #expect(
            try await admit(candidate("a", key: "k2")) == .failure(.nameTaken(site: "alpha", node: "n1")))
        // The other site may have a node of that name, and a private address, but not the first one's host name.
        let taken = try await admit(candidate("b", key: "k3", names: ["a.example.org"]))
        #expect(taken == .failure(.addressTaken("a.example.org")))
        _ = try (try await admit(candidate("b", key: "k3", names: ["10.0.0.1"]))).get()
        _ = try (try await admit(candidate("a", key: "k2", node: "n2", names: ["a.example.org"]))).get()
        #expect(try await store.knows(site: "alpha"))
        #expect(try await store.knows(site: "gamma") == false)
    }

    @Test func aRefusalOfTheMakerCostsNothing() async throws {
        try await store.add(invite("a"))
        let failed = try await store.admit(candidate("a"), judge: { _, _ in nil }, make: { _, _ in .failure(.failed("x")) })
        #expect(failed == .failure(.failed("x")))
        _ = try (try await admit(candidate("a", key: "k2"))).get()
    }

    /// Of many that come at once with one secret, as many get in as it is for.
    @Test func manyAtOnce() async throws {
        try await store.add(invite("a", nodes: 3))
        let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<40 {
                group.addTask {
                    if case .success = try await admit(candidate("a", key: "k\(index)", node: "n\(index)")) {
                        true
                    } else {
                        false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(granted == 3)
    }
}
