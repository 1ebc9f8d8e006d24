import Testing

@testable import Gossip

@Suite struct ActiveViewTests {
    private func bench(_ count: Int, _ change: (inout Settings) -> Void = { _ in }) -> Bench {
        var settings = Settings()
        change(&settings)
        var bench = Bench(settings: settings)
        for index in 0..<count { _ = bench.receive(bench.item("n\(index)", .identity(identity(of: node("n\(index)"))))) }
        return bench
    }

    /// Everyone whom the machine writes to in one round; each answers at once.
    private func round(_ bench: inout Bench) -> Set<NodeID> {
        var met: Set<NodeID> = []
        for case .exchange(let id, let contact, _, _) in bench.tick(after: 1.25) {
            guard let peer = contact.node else { continue }
            met.insert(peer)
            _ = bench.machine.onReply(
                exchange: id, Message(.ack), from: peer, now: bench.now, wallSeconds: bench.wallSeconds,
                authority: FakeAuthority(signer: bench.me))
        }
        return met
    }

    private func contacts(_ bench: inout Bench, rounds: Int) -> Set<NodeID> {
        var met: Set<NodeID> = []
        for _ in 0..<rounds { met.formUnion(round(&bench)) }
        return met
    }

    @Test func upToItsSizeAMeshIsFull() {
        var bench = bench(24)
        #expect(contacts(&bench, rounds: 60).count == 24)
    }

    @Test func aboveItOnlyAFewAreMetButAllInTime() {
        var bench = bench(200) { $0.rotationSeconds = 10_000 }
        #expect((8...16).contains(contacts(&bench, rounds: 60).count))
        var turning = self.bench(200) { $0.rotationSeconds = 2 }
        #expect(contacts(&turning, rounds: 1500).count > 190)
    }

    @Test func whoeverIsGoneIsReplaced() {
        var bench = bench(100) { $0.rotationSeconds = 10_000 }
        let before = contacts(&bench, rounds: 40)
        for peer in before { bench.machine.setState(peer.digestHash, .unreachable) }
        bench.machine.probeOrder = []
        let after = Set(bench.machine.partners()).intersection(before.map(\.digestHash))
        _ = bench.tick(after: 1.25)
        #expect(!after.isEmpty)
        #expect(Set(bench.machine.partners()).isDisjoint(with: before.map(\.digestHash)))
        #expect(bench.machine.partners().count == 12)
    }

    @Test func theNextOnTheRingIsLookedAtInEveryRound() throws {
        var bench = bench(100)
        for _ in 0..<20 {
            let met = round(&bench)
            let next = try #require(bench.machine.nodes.neighbours(of: bench.machine.myHash).first)
            #expect(met.contains { $0.digestHash == next })
        }
    }
}
