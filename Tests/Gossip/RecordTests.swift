import Testing

@testable import Gossip

/// See `NodeID.digestHash`.
func originHash(of id: NodeID) -> UInt64 { id.digestHash }

/// One machine, fed by hand.
struct Bench {
    var machine: GossipMachine
    var now = Instant(nanoseconds: 1_000_000_000)
    let wallSeconds: UInt64 = 1_700_000_000
    let me = node("me")

    init(settings: Settings = Settings()) {
        machine = GossipMachine(
            federation: "test", me: node("me"), generation: 100, settings: settings, seeds: [], random: 1, now: now,
            wallSeconds: wallSeconds)
        _ = publish(.identity(identity(of: me)))
    }

    mutating func publish(_ body: RecordBody) -> [Directive] {
        machine.publish(body, now: now, wallSeconds: wallSeconds, authority: FakeAuthority(signer: me))
    }

    mutating func tick(after seconds: Double) -> [Directive] {
        now = now.adding(seconds: seconds)
        return machine.onTick(now: now, wallSeconds: wallSeconds, authority: FakeAuthority(signer: me))
    }

    mutating func receive(_ body: Message.Body, claims: [Claim] = [], from name: String = "peer") -> (
        reply: Message?, directives: [Directive]
    ) {
        machine.onExchange(
            Message(body, claims: claims), from: node(name), now: now, wallSeconds: wallSeconds,
            authority: FakeAuthority(signer: me))
    }

    mutating func receive(_ items: DeltaItem...) -> [Directive] { receive(.delta(Delta(items: items))).directives }

    func item(
        _ name: String, _ body: RecordBody, generation: UInt64 = 7, sequence: UInt64 = 1, federation: String = "test",
        issuedAt: UInt64? = nil, by authority: FakeAuthority? = nil
    ) -> DeltaItem {
        let record = Record(
            federation: federation, origin: node(name), version: Version(generation: generation, sequence: sequence),
            issuedAt: issuedAt ?? wallSeconds, body: body)
        let token = (try? (authority ?? FakeAuthority(signer: node(name))).sign(record)) ?? []
        return DeltaItem(origin: node(name).digestHash, kind: body.kind, version: record.version, token: token)
    }

    func refusals(_ cause: RecordRefusal) -> UInt64 { machine.counters.refusals[cause] ?? 0 }
}

@Suite struct RecordTests {
    static let bench = Bench()
    static let body = RecordBody.identity(identity(of: node("x")))

    static func forged(_ change: (inout DeltaItem) -> Void) -> DeltaItem {
        var item = bench.item("x", body)
        change(&item)
        return item
    }

    @Test(arguments: [
        (bench.item("x", body, by: FakeAuthority(signer: node("x"), isForger: true)), RecordRefusal.badSignature),
        (bench.item("x", body, by: FakeAuthority(signer: node("peer"))), .wrongOrigin),
        (bench.item("x", body, federation: "other"), .foreignFederation),
        (bench.item("x", body, issuedAt: 1_700_000_301), .futureDated),
        (bench.item("x", body, issuedAt: .max), .futureDated),
        (bench.item("x", .identity(identity(of: node("x"), expires: 1_699_999_699))), .expired),
        (bench.item("x", .catalog(catalog("m"))), .unknownOrigin),
        (bench.item("x", body, generation: 1 << 40), .malformed),
        (bench.item("x", body, sequence: 0), .malformed),
        (bench.item("x", body, sequence: 1 << 24), .malformed),
        (forged { $0.token = Array(repeating: 1, count: 65_537) }, .oversized),
        (forged { $0.token = [] }, .malformed),
        (forged { $0.version.sequence = 2 }, .malformed),
        (forged { $0.kind = .catalog }, .unknownOrigin),
        (forged { $0.origin &+= 1 }, .malformed),
        (forged { $0.token[8] ^= 1 }, .badSignature),
    ])
    func isRefusedByItsCause(item: DeltaItem, cause: RecordRefusal) {
        var bench = Bench()
        let directives = bench.receive(item)
        #expect(bench.machine.counters.refusals == [cause: 1])
        #expect(bench.machine.view.nodes.map(\.id) == [bench.me])
        #expect(!directives.contains { if case .changed = $0 { true } else { false } })
    }

    @Test func aRecordJustWithinTheLeewayIsTaken() {
        var bench = Bench()
        _ = bench.receive(bench.item("x", Self.body, issuedAt: bench.wallSeconds + 300))
        #expect(bench.machine.view[node("x")]?.state == .alive)
    }

    @Test func oneVersionHasOneContent() {
        var bench = Bench()
        let first = bench.item("x", Self.body)
        _ = bench.receive(first)
        let opened = bench.machine.counters.recordsOpened
        // The same bytes again are not even opened.
        _ = bench.receive(first)
        #expect(bench.machine.counters.recordsOpened == opened)
        #expect(bench.machine.counters.recordsKnown == 1)
        // The same content signed again is no fault.
        _ = bench.receive(bench.item("x", Self.body, by: FakeAuthority(signer: node("x"), salt: 9)))
        #expect(bench.refusals(.equivocation) == 0)
        // Other content is.
        let directives = bench.receive(bench.item("x", .identity(identity(of: node("x"), draining: true))))
        #expect(bench.refusals(.equivocation) == 1)
        #expect(directives.contains(.log(.refused(.equivocation, from: node("peer"), origin: node("x")))))
        #expect(bench.machine.view[node("x")]?.identity?.draining == false)
    }

    @Test func versionsNeverGoBack() {
        var bench = Bench()
        _ = bench.receive(bench.item("x", Self.body, generation: 7, sequence: 5))
        _ = bench.receive(bench.item("x", .catalog(catalog("new")), generation: 7, sequence: 3))
        _ = bench.receive(
            bench.item("x", Self.body, generation: 7, sequence: 4), bench.item("x", Self.body, generation: 6, sequence: 9),
            bench.item("x", .catalog(catalog("old")), generation: 7, sequence: 2))
        #expect(bench.refusals(.stale) == 3)
        #expect(bench.machine.view[node("x")]?.catalog == catalog("new"))
        #expect(bench.machine.view[node("x")]?.identityVersion == Version(generation: 7, sequence: 5))
    }

    @Test func aNewGenerationReplacesAllRecords() {
        var bench = Bench()
        _ = bench.receive(bench.item("x", Self.body), bench.item("x", .catalog(catalog("old")), sequence: 9))
        _ = bench.receive(bench.item("x", .catalog(catalog("early")), generation: 8))
        #expect(bench.refusals(.unknownOrigin) == 1)
        _ = bench.receive(bench.item("x", Self.body, generation: 8))
        #expect(bench.machine.view[node("x")]?.catalog == nil)
        _ = bench.receive(bench.item("x", .catalog(catalog("new")), generation: 8))
        #expect(bench.machine.view[node("x")]?.catalog == catalog("new"))
    }

    @Test func whoLeftStaysAwayInItsGeneration() {
        var bench = Bench()
        var last = identity(of: node("x"))
        last.left = true
        _ = bench.receive(bench.item("x", Self.body))
        _ = bench.receive(bench.item("x", .identity(last), sequence: 2))
        #expect(bench.machine.view[node("x")]?.state == .left)
        _ = bench.receive(bench.item("x", Self.body, sequence: 3))
        #expect(bench.refusals(.buried) == 1)
        #expect(bench.machine.view[node("x")]?.state == .left)
        _ = bench.receive(bench.item("x", Self.body, generation: 8))
        #expect(bench.machine.view[node("x")]?.state == .alive)
    }

    @Test func thereIsRoomForSoManyNodesOnly() {
        var settings = Settings()
        settings.maximumNodes = 10
        var bench = Bench(settings: settings)
        for index in 0..<12 {
            _ = bench.receive(bench.item("n\(index)", .identity(identity(of: node("n\(index)")))))
        }
        #expect(bench.machine.view.nodes.count == 10)
        #expect(bench.refusals(.full) == 3)
    }

    @Test func gravesAreBounded() {
        var settings = Settings()
        settings.maximumTombstones = 16
        settings.maximumNodes = 4
        var bench = Bench(settings: settings)
        for index in 0..<60 {
            let id = node("n\(index)")
            var last = identity(of: id, expires: 1_700_000_000 + UInt64(index))
            last.left = true
            _ = bench.receive(bench.item("n\(index)", .identity(last)))
        }
        #expect(bench.machine.view.nodes.count == 4)
        #expect(bench.machine.tombstones.count == 16)
    }

    @Test func anUnprovenHigherGenerationOfOursIsBelievedOnlyUpToTheClock() {
        var bench = Bench()
        let absurd = Claim(node: bench.me, version: Version(generation: 1 << 39, sequence: 0), state: .dead)
        _ = bench.receive(.ping, claims: [absurd])
        #expect(bench.machine.generation == 100)
        let sane = Claim(node: bench.me, version: Version(generation: 1_700_000_000, sequence: 0), state: .dead)
        let directives = bench.receive(.ping, claims: [sane]).directives
        #expect(bench.machine.generation == 1_700_000_001)
        #expect(directives.first == .persistGeneration(1_700_000_001))
    }

    @Test func claimsAreRefutedOnlySoOften() {
        var bench = Bench()
        for _ in 0..<50 {
            let version = Version(generation: bench.machine.generation, sequence: 1 << 20)
            _ = bench.receive(.ping, claims: [Claim(node: bench.me, version: version, state: .dead)])
        }
        #expect(bench.machine.generation == 101)
    }

    @Test func anObservedLoadIsCheckedLikeAnyOther() {
        var bench = Bench()
        _ = bench.receive(bench.item("x", Self.body))
        let observe = { (bench: inout Bench, item: DeltaItem, peer: String) in
            bench.machine.observe(
                token: item.token, from: node(peer), now: bench.now, wallSeconds: bench.wallSeconds,
                authority: FakeAuthority(signer: bench.me))
        }
        let good = bench.item("x", .load(load(running: 3)), sequence: 2)
        #expect(observe(&bench, good, "x") == [.changed(.record(node("x"), .load))])
        #expect(bench.machine.view[node("x")]?.load == load(running: 3))
        #expect(observe(&bench, good, "x").isEmpty)
        _ = observe(&bench, bench.item("y", .load(load(running: 3))), "x")
        #expect(bench.refusals(.wrongOrigin) == 1)
        _ = observe(&bench, bench.item("x", .load(load(running: 1)), sequence: 1), "x")
        #expect(bench.refusals(.stale) == 1)
        _ = observe(&bench, bench.item("x", .identity(identity(of: node("x"))), sequence: 9), "x")
        #expect(bench.refusals(.wrongOrigin) == 2)
    }
}
