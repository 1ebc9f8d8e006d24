import Testing

@testable import Gossip

@Suite struct NewsTests {
    /// Announced versions come from whoever announced them first, and from the second once that one has had its time: not from both.
    @Test func whatDoesNotComeIsFetchedFromAnotherThatHasIt() throws {
        var bench = Bench()
        for name in ["first", "second", "third", "x"] {
            _ = bench.receive(bench.item(name, .identity(identity(of: node(name)))))
        }
        let news = DigestEntry(origin: node("x").digestHash, generation: 7, identity: 2)
        let asked = bench.receive(.announce([news]), from: "first").reply?.body
        #expect(asked == .delta(Delta(wants: [bench.machine.held(of: news.origin)])))
        for name in ["second", "third"] { #expect(bench.receive(.announce([news]), from: name).reply?.body == .ack) }
        #expect(fetched(in: bench.tick(after: 0.3)).isEmpty)
        #expect(bench.machine.nextTick <= bench.now.adding(seconds: 0.1 + 1e-6))
        #expect(fetched(in: bench.tick(after: 0.11)) == [node("second")])
        // Now it is the second's turn, and nobody else is known to have it.
        #expect(fetched(in: bench.tick(after: 0.5)).isEmpty)
    }

    @Test func whatHasComeIsFetchedNoMore() {
        var bench = Bench()
        for name in ["first", "second", "x"] { _ = bench.receive(bench.item(name, .identity(identity(of: node(name))))) }
        let news = DigestEntry(origin: node("x").digestHash, generation: 7, identity: 2)
        for name in ["first", "second"] { _ = bench.receive(.announce([news]), from: name) }
        let item = bench.item("x", .identity(identity(of: node("x"))), sequence: 2)
        _ = bench.receive(.delta(Delta(items: [item])), from: "first")
        #expect(fetched(in: bench.tick(after: 0.5)).isEmpty)
    }

    private func fetched(in directives: [Directive]) -> [NodeID] {
        directives.compactMap { directive in
            guard case .exchange(_, let contact, let message, _) = directive, case .delta(let delta) = message.body,
                !delta.wants.isEmpty
            else { return nil }
            return contact.node
        }
    }
}
