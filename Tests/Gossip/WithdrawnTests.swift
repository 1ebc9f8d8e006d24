import Testing

@testable import Gossip

/// Nodes that are no longer trusted leave the view at once, and return when they are trusted again.
@Suite struct WithdrawnTests {
    private func bench() -> Bench {
        var bench = Bench()
        for name in ["x", "y"] {
            _ = bench.receive(
                bench.item(name, .identity(identity(of: node(name)))), bench.item(name, .catalog(catalog("m"))))
        }
        return bench
    }

    private func forget(_ bench: inout Bench, _ names: String...) -> [Directive] {
        bench.machine.forget(
            where: { id, _ in names.contains(id.site) }, now: bench.now, wallSeconds: bench.wallSeconds)
    }

    @Test func whatIsHeldOfThemGoes() {
        var bench = bench()
        let directives = forget(&bench, "x")
        #expect(directives.contains(.changed(.forgotten(node("x")))))
        #expect(bench.machine.view[node("x")] == nil)
        #expect(bench.machine.view[node("y")]?.catalog != nil)
        // Nobody is sent it any more either.
        let reply = bench.receive(.digest(mask: .max, [])).reply
        guard case .delta(let delta) = reply?.body else {
            Issue.record("no delta")
            return
        }
        #expect(!delta.items.contains { $0.origin == node("x").digestHash })
        #expect(delta.items.contains { $0.origin == node("y").digestHash })
    }

    /// No grave: the authority that opens records says whether one returns.
    @Test func oneThatIsTrustedAgainReturnsWithTheSameGeneration() {
        var bench = bench()
        _ = forget(&bench, "x")
        _ = bench.receive(bench.item("x", .identity(identity(of: node("x"), key: 2)), sequence: 2))
        #expect(bench.machine.view[node("x")]?.state == .alive)
    }

    @Test func thisNodeNeverForgetsItself() {
        var bench = bench()
        _ = forget(&bench, "me", "x", "y")
        #expect(bench.machine.view.nodes.map(\.id) == [node("me")])
        _ = bench.tick(after: 5)
    }

    /// An exchange under way with it ends in nothing.
    @Test func whatIsUnderWayDoesNoHarm() {
        var bench = bench()
        var begun: [ExchangeID] = []
        for _ in 0..<4 {
            for case .exchange(let id, _, _, _) in bench.tick(after: 1.5) { begun.append(id) }
        }
        #expect(!begun.isEmpty)
        _ = forget(&bench, "x", "y")
        for id in begun {
            _ = bench.machine.onExchangeFailed(id, now: bench.now, wallSeconds: bench.wallSeconds)
        }
        #expect(bench.machine.view.nodes.count == 1)
    }

    @Test func anIdentityBeyondItsLimitsIsRefused() {
        var bench = Bench()
        var large = identity(of: node("x"))
        large.issuers = [String](repeating: "A", count: Identity.issuersAllowed + 1)
        _ = bench.receive(bench.item("x", .identity(large)))
        large.issuers = [String(repeating: "A", count: Identity.issuerBytesAllowed + 1)]
        _ = bench.receive(bench.item("x", .identity(large)))
        large.issuers = nil
        large.ledger = String(repeating: "0", count: Identity.ledgerBytesAllowed + 1)
        _ = bench.receive(bench.item("x", .identity(large)))
        #expect(bench.refusals(.malformed) == 3)
        #expect(bench.machine.view[node("x")] == nil)
    }
}
