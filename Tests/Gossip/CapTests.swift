import Testing

@testable import Gossip

/// The machine keeps its caps itself, whatever it is asked for.
@Suite struct CapTests {
    private func bench(_ count: Int, _ change: (inout Settings) -> Void) -> Bench {
        var settings = Settings()
        settings.requestsPerPeer = 1000
        change(&settings)
        var bench = Bench(settings: settings)
        for index in 0..<count {
            let name = "n\(index)"
            _ = bench.receive(bench.item(name, .identity(identity(of: node(name)))))
            _ = bench.receive(bench.item(name, .catalog(catalog("m\(index)"))))
            _ = bench.receive(bench.item(name, .load(load(running: index))))
        }
        return bench
    }

    @Test(arguments: UInt64(1)...5)
    func bytesInAnyTimeStayBelowBurstAndRate(seed: UInt64) {
        var bench = bench(60) {
            $0.bytesPerSecond = 8192
            $0.burstBytes = 65_536
        }
        var random = SeededGenerator(seed: seed)
        var sent: [(at: Instant, bytes: UInt64)] = []
        for _ in 0..<1500 {
            let before = bench.machine.counters.bytesSent
            switch Int.random(in: 0..<4, using: &random) {
            case 0: _ = bench.receive(.digest(mask: .max, []), from: "n\(Int.random(in: 0..<60, using: &random))")
            case 1: _ = bench.receive(.summary(Summary(hash: 1, nodes: 3)), from: "n1")
            case 2: _ = bench.publish(.catalog(catalog("m\(random.next())")))
            default: _ = bench.tick(after: random.unit() * 0.4)
            }
            sent.append((bench.now, bench.machine.counters.bytesSent - before))
        }
        for start in stride(from: 0, to: sent.count, by: 50) {
            var sum: UInt64 = 0
            for index in start..<sent.count {
                sum += sent[index].bytes
                let seconds = sent[index].at.seconds(since: sent[start].at)
                #expect(Double(sum) <= 65_536 + 8192 * seconds + 1)
            }
        }
        #expect(bench.machine.counters.deltasCut > 0)
    }

    /// What is more urgent still goes when what is less so has to wait.
    @Test func urgentFirst() {
        var bench = bench(30) {
            $0.bytesPerSecond = 4096
            $0.burstBytes = 262_144
        }
        var last: [RecordKind: Int] = [:]
        for step in 0..<200 {
            guard case .delta(let delta)? = bench.receive(.digest(mask: .max, []), from: "n\(step % 30)").reply?.body else {
                break
            }
            for item in delta.items { last[item.kind] = step }
            if delta.items.isEmpty { break }
        }
        let loads = last[.load] ?? -1
        let catalogs = last[.catalog] ?? -1
        let identities = last[.identity] ?? -1
        #expect(loads < catalogs && catalogs < identities)
        // A change of our own is announced all the same, and a goodbye said.
        var announced = false
        bench.now = bench.now.adding(seconds: 0.2)
        for case .exchange(_, _, let message, _) in bench.publish(.catalog(catalog("new"))) {
            if case .announce = message.body { announced = true }
        }
        #expect(announced)
        let goodbyes = bench.machine.leave(
            now: bench.now, wallSeconds: bench.wallSeconds, authority: FakeAuthority(signer: bench.me))
        #expect(
            goodbyes.contains {
                if case .exchange(_, _, let message, _) = $0, case .delta = message.body { true } else { false }
            })
    }

    @Test func peersOfATick() {
        var bench = bench(60) { $0.peersPerTick = 8 }
        var begun = 0
        let before = bench.machine.counters.ticks
        for _ in 0..<10 {
            for case .exchange in bench.tick(after: 1.25) { begun += 1 }
            for step in 0..<20 {
                bench.now = bench.now.adding(seconds: 0.01)
                for case .exchange in bench.publish(.catalog(catalog("m\(step)"))) { begun += 1 }
                for case .exchange in bench.receive(.probe(node("n\(step)")), from: "n50").directives { begun += 1 }
            }
            // What was begun before the first round is of the one before.
            #expect(begun <= 8 * Int(bench.machine.counters.ticks - before + 1))
        }
        #expect(bench.machine.counters.exchangesPutOff > 0)
    }

    @Test func bytesOfOneOrigin() {
        // A third of it for each kind.
        var bench = bench(0) { $0.bytesPerOrigin = 6144 }
        _ = bench.receive(bench.item("x", .identity(identity(of: node("x")))))
        let many = Catalog(models: (0..<30).map { Variant(id: "model-\($0)", state: .running, backend: "simulated") })
        _ = bench.receive(bench.item("x", .catalog(many)))
        #expect(bench.refusals(.oversized) == 1)
        #expect(bench.machine.node(node("x"))?.catalog == nil)
        _ = bench.receive(bench.item("x", .catalog(catalog("m"))))
        #expect(bench.machine.node(node("x"))?.catalog != nil)
    }

    @Test func bytesOfAll() throws {
        var bench = bench(0) { $0.memoryBytes = 65_536 }
        for index in 0..<400 { _ = bench.receive(bench.item("n\(index)", .identity(identity(of: node("n\(index)"))))) }
        #expect(bench.machine.recordBytes <= 65_536)
        #expect(bench.refusals(.full) > 0)
        #expect(bench.machine.nodeCount > 50)
        // Those that are over give way to one that comes.
        let gone = try #require(bench.machine.view.nodes.first { $0.id != bench.me }).id
        bench.machine.setState(gone.digestHash, .dead)
        _ = bench.receive(bench.item("late", .identity(identity(of: node("late")))))
        #expect(bench.machine.node(node("late")) != nil)
        #expect(bench.machine.node(gone) == nil)
    }
}
