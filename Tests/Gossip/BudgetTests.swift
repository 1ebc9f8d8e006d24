import Testing

@testable import Gossip

@Suite struct BudgetTests {
    /// Twenty nodes with a kilobyte or two each, behind a budget of a few kilobytes a message.
    @Test(arguments: [1024, 4096, 65_536])
    func aDeltaKeepsItsBudgetAndItsOrder(budget: Int) {
        var settings = Settings()
        settings.deltaBytes = budget
        var bench = Bench(settings: settings)
        for index in 0..<20 {
            let id = node("n\(index)")
            _ = bench.receive(bench.item(id.site, .identity(identity(of: id))))
            _ = bench.receive(bench.item(id.site, .load(load(running: index))))
            _ = bench.receive(bench.item(id.site, .catalog(catalog("m\(index)", "another"))))
        }
        var held: [UInt64: DigestEntry] = [:]
        var rounds = 0
        while true {
            guard case .delta(let delta) = bench.receive(.digest(mask: .max, Array(held.values))).reply?.body else { break }
            if delta.items.isEmpty { break }
            rounds += 1
            let bytes = delta.items.reduce(0) { $0 + $1.token.count }
            #expect(bytes <= budget || delta.items.count == 1)
            #expect(delta.items.map(\.kind.rawValue) == delta.items.map(\.kind.rawValue).sorted())
            for item in delta.items {
                var entry = held[item.origin] ?? DigestEntry(origin: item.origin, generation: item.version.generation)
                // The identity of an origin comes before its others.
                #expect(item.kind == .identity || entry.identity > 0)
                entry[item.kind] = item.version.sequence
                held[item.origin] = entry
            }
            guard delta.hasMore else { break }
        }
        #expect(held.count == 21)
        #expect(held.values.filter { $0.identity > 0 && $0.catalog > 0 && $0.load > 0 }.count == 20)
        #expect(budget > 10_000 || rounds > 1)
    }

    @Test func aSmallBudgetStillCatchesUpAtOnce() throws {
        var settings = Settings()
        settings.deltaBytes = 2048
        let network = TestNetwork(count: 10, settings: settings)
        _ = try #require(
            network.seconds(until: 10) { network.isConverged && network.machines[node("s0")]?.view.nodes.count == 10 })
        // Records, their headers, and the digest.
        #expect(network.largestMessage < 2048 + 256 * 22 + 1024)
    }

    @Test func exchangesUnderWayAreBounded() {
        var settings = Settings()
        settings.maximumPendingExchanges = 8
        var bench = Bench(settings: settings)
        for index in 0..<30 { _ = bench.receive(bench.item("n\(index)", .identity(identity(of: node("n\(index)"))))) }
        var begun = 0
        for _ in 0..<40 {
            for directive in bench.receive(.probe(node("n3"))).directives {
                if case .exchange = directive { begun += 1 }
            }
        }
        #expect(begun <= 8)
    }

    @Test func aPeerCannotKeepAConversationGoing() {
        var bench = Bench()
        _ = bench.receive(bench.item("peer", .identity(identity(of: node("peer")))))
        var begun = 0
        var open = bench.tick(after: 0)
        while begun < 100 {
            guard
                case .exchange(let id, let contact, _, _)? = open.first(where: {
                    if case .exchange = $0 { true } else { false }
                }),
                contact.node == node("peer")
            else { break }
            begun += 1
            // Always wants everything.
            let greedy = Message(.delta(Delta(wants: [DigestEntry(origin: bench.me.digestHash)])))
            open = bench.machine.onReply(
                exchange: id, greedy, from: node("peer"), now: bench.now, wallSeconds: bench.wallSeconds,
                authority: FakeAuthority(signer: bench.me))
        }
        #expect(begun <= 4)
    }

    @Test func loadIsPublishedSeldomOrOnAChange() throws {
        var bench = Bench()
        let sequence = { (bench: Bench) in bench.machine.ownRecord(.load)?.record.version.sequence }
        _ = bench.tick(after: 1)
        _ = bench.publish(.load(load(running: 4)))
        #expect(sequence(bench) == 1)
        // One of eight slots: not enough.
        _ = bench.publish(.load(load(running: 5)))
        #expect(sequence(bench) == 1)
        _ = bench.tick(after: 5)
        #expect(sequence(bench) == 1)
        // The newest is kept and goes out when it is time; the machine asks to be called then.
        _ = bench.publish(.load(load(running: 4, waiting: 1)))
        var ticks = 0
        while sequence(bench) == 1, ticks < 20 {
            _ = bench.tick(after: bench.machine.nextTick.seconds(since: bench.now))
            ticks += 1
        }
        #expect(bench.now.seconds(since: Instant(nanoseconds: 1_000_000_000)) == 11)
        #expect(bench.machine.view[bench.me]?.load == load(running: 4, waiting: 1))
        // A quarter of the slots more: at once, but at most once a second.
        _ = bench.tick(after: 1)
        _ = bench.publish(.load(load(running: 8)))
        #expect(sequence(bench) == 3)
        _ = bench.publish(.load(load(running: 0)))
        #expect(sequence(bench) == 3)
        _ = bench.tick(after: 1)
        #expect(sequence(bench) == 4)
        // No change, no record.
        _ = bench.publish(.load(load(running: 0)))
        _ = bench.tick(after: 100)
        #expect(sequence(bench) == 4)
    }

    @Test func aFreshLoadForAnswersIsSignedAtMostTenTimesASecond() {
        var bench = Bench()
        for step in 0..<100 {
            bench.now = bench.now.adding(seconds: 0.01)
            let signed = bench.machine.freshLoad(
                load(running: step), now: bench.now, wallSeconds: bench.wallSeconds,
                authority: FakeAuthority(signer: bench.me))
            #expect(signed != nil)
        }
        #expect((9...11).contains(Int(bench.machine.ownRecord(.load)?.record.version.sequence ?? 0)))
    }

    @Test func aStormOfCatalogChangesIsAnnouncedTenTimesASecond() {
        let network = TestNetwork(count: 3)
        network.perform(.run(10))
        let before = network.messages
        for step in 0..<200 { network.script(.publish("s1", .catalog(catalog("m\(step)"))), .run(0.005)) }
        network.perform(.run(1))
        #expect(network.models(of: "s1", at: "s2") == ["m199"])
        // Ten announcements to each of two, each with its answer, its records and their acknowledgement, and passed on.
        #expect(network.messages - before < 200)
    }

    @Test(arguments: [(-1.0, 0.05), (0.5, 0.5), (1e9, 60), (.nan, 0.05), (.infinity, 60)])
    func settingsStayInTheirRange(value: Double, kept: Double) {
        var settings = Settings()
        settings.periodSeconds = value
        #expect(settings.periodSeconds == kept)
        #expect(settings.$periodSeconds == 0.05...60)
    }
}
