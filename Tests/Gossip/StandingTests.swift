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
                == .probeResult(node("other"), reachable: false))
        #expect(
            bench.receive(.announce([DigestEntry(origin: 1, generation: 9, identity: 9)]), from: "stranger").reply?.body
                == .ack)
        _ = bench.receive(.ping, claims: [claim], from: "stranger")
        #expect(bench.machine.doubts.isEmpty)
        _ = bench.receive(.ping, claims: [claim], from: "peer")
        #expect(bench.machine.doubts[node("other").digestHash]?.accusers == [node("peer")])
    }
}
