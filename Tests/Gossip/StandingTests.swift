import Testing

@testable import Gossip

/// What a member with a valid certificate gains by not keeping to the protocol: nothing, for a while.
@Suite struct StandingTests {
    private func bench() -> Bench {
        var bench = Bench()
        for name in ["peer", "other"] { _ = bench.receive(bench.item(name, .identity(identity(of: node(name))))) }
        return bench
    }

    private func forged(_ bench: Bench, _ name: String) -> DeltaItem {
        bench.item(name, .identity(identity(of: node(name))), by: FakeAuthority(signer: node(name), isForger: true))
    }

    @Test func forgeriesGreylistWhoeverBringsThem() {
        var bench = bench()
        for index in 0..<4 { _ = bench.receive(forged(bench, "victim\(index)")) }
        #expect(bench.machine.isGreylisted(node("peer")))
        #expect(!bench.machine.isGreylisted(node("other")))
        #expect(bench.machine.counters.peersGreylisted == 1)
        // What is true is not taken from it any more, though it is heard.
        let answer = bench.receive(.delta(Delta(items: [bench.item("new", .identity(identity(of: node("new"))))])))
        #expect(answer.reply?.body == .ack)
        #expect(bench.machine.node(node("new")) == nil)
        #expect(bench.machine.node(node("peer"))?.state == .alive)
        // Another may bring it.
        _ = bench.receive(
            .delta(Delta(items: [bench.item("new", .identity(identity(of: node("new"))))])), from: "other")
        #expect(bench.machine.node(node("new")) != nil)
    }

    @Test func timeForgives() {
        var bench = bench()
        for index in 0..<4 { _ = bench.receive(forged(bench, "victim\(index)")) }
        bench.now = bench.now.adding(seconds: 301)
        _ = bench.receive(.ping)
        #expect(!bench.machine.isGreylisted(node("peer")))
        _ = bench.receive(bench.item("new", .identity(identity(of: node("new")))))
        #expect(bench.machine.node(node("new")) != nil)
    }

    @Test func whatHonestNodesPassOnCostsNothing() {
        var bench = bench()
        _ = bench.receive(bench.item("x", .identity(identity(of: node("x"))), sequence: 5))
        for sequence in 1...4 {
            _ = bench.receive(bench.item("x", .identity(identity(of: node("x"))), sequence: UInt64(sequence)))
            _ = bench.receive(bench.item("unheard", .catalog(catalog("m"))))
            _ = bench.receive(bench.item("ahead\(sequence)", .identity(identity(of: node("ahead"))), issuedAt: .max))
        }
        #expect(bench.machine.standings[node("peer").digestHash]?.score == 0)
        #expect(bench.refusals(.stale) == 4)
    }

    @Test func aForgeryIsOpenedOnceForAPeer() {
        var bench = bench()
        let item = forged(bench, "victim")
        let before = bench.machine.counters.recordsOpened
        _ = bench.receive(item)
        _ = bench.receive(item)
        #expect(bench.machine.counters.recordsOpened == before + 1)
        #expect(bench.refusals(.badSignature) == 2)
        // Only from him: another who brings the same is looked at.
        _ = bench.receive(.delta(Delta(items: [item])), from: "other")
        #expect(bench.machine.counters.recordsOpened == before + 2)
    }

    @Test func equivocationIsBlamedOnTheOriginNotOnTheMessenger() {
        var bench = bench()
        _ = bench.receive(bench.item("x", .identity(identity(of: node("x")))))
        let other = bench.item("x", .identity(identity(of: node("x"), draining: true)))
        var notices: [Notice] = []
        for _ in 0..<3 {
            for case .log(let notice) in bench.receive(other) { notices.append(notice) }
        }
        #expect(notices.contains(.equivocated(node("x"), .identity)))
        #expect(bench.refusals(.equivocation) == 3)
        #expect(!bench.machine.isGreylisted(node("peer")))
        #expect(bench.machine.isGreylisted(node("x")))
        #expect(bench.machine.node(node("x"))?.identity?.draining == false)
    }

    @Test func whoAsksTooOftenGetsNoAnswer() {
        var bench = bench()
        var answered = 0
        for _ in 0..<1000 where bench.receive(.ping).reply != nil { answered += 1 }
        #expect((250...260).contains(answered))
        #expect(bench.receive(.ping, from: "other").reply != nil)
        bench.now = bench.now.adding(seconds: 1)
        answered = 0
        for _ in 0..<100 where bench.receive(.ping).reply != nil { answered += 1 }
        #expect(answered == 32)
    }

    /// A peer that has shown no identity is answered, but its word on others counts for nothing.
    @Test func aStrangerIsInQuarantine() {
        var bench = bench()
        let version = bench.machine.node(node("other"))?.identityVersion ?? Version(generation: 0, sequence: 0)
        let claim = Claim(node: node("other"), version: version, state: .suspect)
        bench.now = bench.now.adding(seconds: 10)
        #expect(
            bench.receive(.probe(node("other")), from: "stranger").reply?.body
                == .ack)
        #expect(
            bench.receive(.announce([DigestEntry(origin: 1, generation: 9, identity: 9)]), from: "stranger").reply?.body
                == .ack)
        _ = bench.receive(.ping, claims: [claim], from: "stranger")
        #expect(bench.machine.doubts.isEmpty)
        _ = bench.receive(.ping, claims: [claim], from: "peer")
        #expect(bench.machine.doubts[node("other").digestHash]?.accusers == [node("peer")])
    }
}

/// What one member can make another do, by messages that are allowed.
@Suite struct AmplificationTests {
    private func bench(_ names: String..., change: (inout Settings) -> Void = { _ in }) -> Bench {
        var settings = Settings()
        change(&settings)
        var bench = Bench(settings: settings)
        for name in names { _ = bench.receive(bench.item(name, .identity(identity(of: node(name))))) }
        return bench
    }

    @Test func beingCalledDeadAgainAndAgainMakesNoGenerations() {
        var bench = bench("peer")
        let before = bench.machine.generation
        for _ in 0..<100 {
            bench.now = bench.now.adding(seconds: 0.1)
            let claim = Claim(
                node: bench.me, version: Version(generation: bench.machine.generation, sequence: 0), state: .dead)
            _ = bench.receive(.ping, claims: [claim])
        }
        #expect(bench.machine.generation == before + 1)
    }

    @Test func wantsOfInventedNodesLeaveTheBudgetToWhatIsTrue() {
        var bench = bench("peer") { $0.requestsPerPeer = 1000 }
        let invented = (1...4096).map { DigestEntry(origin: UInt64($0) << 32, generation: 1, identity: 1) }
        for _ in 0..<100 { _ = bench.receive(.digest(mask: .max, invented)) }
        #expect(bench.machine.budget.level > 0.5 * bench.machine.settings.burstBytes)
    }

    @Test func onePeerGetsNoMoreThanItsPart() {
        var bench = bench("peer") { $0.requestsPerPeer = 1000 }
        let big = Catalog(models: (0..<100).map { Variant(id: "model-\($0)", state: .running, backend: "simulated") })
        _ = bench.receive(bench.item("peer", .catalog(big)))
        for _ in 0..<500 { _ = bench.receive(.digest(mask: .max, [])) }
        #expect(bench.machine.budget.level > 0.6 * bench.machine.settings.burstBytes)
    }

    @Test func tokensAreOpenedAtALimitedPace() {
        var bench = bench("peer") { $0.requestsPerPeer = 1000 }
        let before = bench.machine.counters.recordsOpened
        let items = (0..<256).map { bench.item("x\($0)", .identity(identity(of: node("x"))), issuedAt: .max) }
        for _ in 0..<20 { _ = bench.receive(.delta(Delta(items: items))) }
        #expect(bench.machine.counters.recordsOpened - before <= 1024)
        #expect(bench.machine.counters.openingsPutOff > 0)
    }

    @Test func hearsayIsPassedOnAtALimitedPace() {
        var bench = bench("peer")
        var claims: [Claim] = []
        for index in 0..<300 {
            let name = "n\(index)"
            _ = bench.receive(
                .delta(Delta(items: [bench.item(name, .identity(identity(of: node(name))))])), from: "other\(index % 9)")
            claims.append(
                Claim(node: node(name), version: Version(generation: 7, sequence: 1), state: .unreachable, isHearsay: true))
        }
        bench.now = bench.now.adding(seconds: 4)
        for start in stride(from: 0, to: 300, by: 60) { _ = bench.receive(.ping, claims: Array(claims[start..<start + 60])) }
        #expect(bench.machine.hearsayInRound <= 64)
        #expect(bench.machine.view.nodes.allSatisfy { $0.state == .alive })
    }

    /// A known node is not down because someone says so in the message that brings its newer identity.
    @Test func aRefutationCannotBeTakenBackByWhoeverBringsIt() {
        var bench = bench("peer", "x")
        bench.now = bench.now.adding(seconds: 10)
        bench.machine.setState(node("x").digestHash, .unreachable)
        let item = bench.item("x", .identity(identity(of: node("x"))), sequence: 2)
        let claim = Claim(node: node("x"), version: Version(generation: 7, sequence: 2), state: .unreachable)
        _ = bench.receive(.delta(Delta(items: [item])), claims: [claim])
        #expect(bench.machine.node(node("x"))?.state == .alive)
    }

    @Test func aPromiseThatIsNotKeptHoldsUpFew() {
        var bench = bench("peer", "other")
        let entries = (1...4096).map { DigestEntry(origin: UInt64($0) << 32, generation: 1, identity: 1) }
        _ = bench.receive(.announce(entries))
        guard case .delta(let delta)? = bench.receive(.announce([entries[4000]]), from: "other").reply?.body else {
            Issue.record("what another announces is not asked for")
            return
        }
        #expect(delta.wants.count == 1)
    }

    @Test func garbageGreylists() {
        var bench = bench("peer")
        for _ in 0..<4 { _ = bench.machine.onGarbage(from: node("peer"), now: bench.now, wallSeconds: bench.wallSeconds) }
        #expect(bench.machine.isGreylisted(node("peer")))
    }
}
