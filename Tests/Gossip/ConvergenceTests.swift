import Gossip
import Testing

@Suite struct ConvergenceTests {
    @Test(arguments: [(2, 3.0), (3, 3.0), (20, 10.0), (70, 15.0)])
    func allViewsBecomeEqual(count: Int, limit: Double) throws {
        let network = TestNetwork(count: count)
        let seconds = try #require(
            network.seconds(until: limit) { network.isConverged && network.machines[node("s0")]?.view.nodes.count == count })
        #expect(seconds < limit)
        #expect(network.machines.values.allSatisfy { $0.counters.refusals[.badSignature] == nil })
        for name in network.names { #expect(network.models(of: name, at: "s0") == ["model-of-\(name)"]) }
    }

    @Test(arguments: UInt64(1)...10)
    func aChangeIsSeenWithinOneAnnounceRound(seed: UInt64) throws {
        let network = TestNetwork(count: 3, seed: seed)
        network.perform(.run(5))
        network.perform(.publish("s1", .catalog(catalog("new", "newer"))))
        let seconds = try #require(
            network.seconds(until: 3) {
                network.models(of: "s1", at: "s0") == ["new", "newer"]
                    && network.models(of: "s1", at: "s2") == ["new", "newer"]
            })
        // Announcement, answer, records: three times the latency of 5 ms.
        #expect(seconds <= 0.02)
    }

    @Test func aChangeReachesTwentyNodesInASecondForFewBytes() throws {
        let network = TestNetwork(count: 20)
        network.perform(.run(15))
        let before = network.bytes
        network.perform(.publish("s7", .catalog(catalog("new"))))
        let seconds = try #require(
            network.seconds(until: 5) { network.names.allSatisfy { network.models(of: "s7", at: $0) == ["new"] } })
        #expect(seconds < 2.5)
        let token = try #require(network.machines[node("s7")]?.ownRecord(.catalog)?.token.count)
        #expect(network.bytes - before < 20 * token * 3)
    }

    @Test func idleMeshSendsLittle() {
        let network = TestNetwork(count: 20)
        network.perform(.run(20))
        let before = network.bytes
        network.perform(.run(100))
        // A summary of 16 bytes and an acknowledgement of 4, a round and a node.
        #expect(Double(network.bytes - before) / 100 / 20 < 40)
    }

    @Test func aNodeThatIsItsOwnOnlySeedDropsIt() {
        let network = TestNetwork(["a", "b"])
        network.script(.start("a", seeds: ["a"]), .run(3))
        #expect(network.notices.filter { $0.notice == .seedIsSelf(address: "a:8200") }.count == 1)
        let begun = network.machines[node("a")]?.counters.exchangesBegun
        network.script(.run(10))
        #expect(network.machines[node("a")]?.counters.exchangesBegun == begun)
    }

    @Test func aSeedThatComesLateIsFound() throws {
        let network = TestNetwork(["a", "b"])
        network.script(.start("b", seeds: ["a"]), .run(120), .start("a", seeds: []))
        _ = try #require(network.seconds(until: 3) { network.isConverged && network.models(of: "b", at: "a") != nil })
    }

    @Test func aPartitionHeals() throws {
        let network = TestNetwork(count: 10)
        let left = Array(network.names[..<5])
        let right = Array(network.names[5...])
        network.script(.run(10), .partition(left, right), .run(120))
        #expect(network.state(of: "s9", at: "s0") == .unreachable)
        #expect(network.state(of: "s1", at: "s0") == .alive)
        network.perform(.publish("s8", .catalog(catalog("meanwhile"))))
        network.perform(.heal)
        _ = try #require(network.seconds(until: 15) { network.isConverged && network.state(of: "s9", at: "s0") == .alive })
        #expect(network.models(of: "s8", at: "s2") == ["meanwhile"])
    }

    @Test func aPartitionThatLastedUntilDeathHealsToo() throws {
        var settings = Settings()
        settings.deadAfterSeconds = 30
        let network = TestNetwork(count: 6, settings: settings)
        network.script(.run(10), .partition(Array(network.names[..<3]), Array(network.names[3...])), .run(200))
        #expect(network.state(of: "s5", at: "s0") == .dead)
        let generation = try #require(network.machines[node("s5")]?.generation)
        network.perform(.heal)
        _ = try #require(network.seconds(until: 20) { network.isConverged && network.state(of: "s5", at: "s0") == .alive })
        #expect(try #require(network.machines[node("s5")]?.generation) > generation)
        #expect(network.stored[node("s5")] == network.machines[node("s5")]?.generation)
    }

    @Test func theSameSeedGivesTheSameDirectives() {
        func trace(_ seed: UInt64) -> [String] {
            let network = TestNetwork(["a", "b", "c", "d", "e", "f"], seed: seed)
            network.isTracing = true
            for name in network.names { network.perform(.start(name)) }
            network.script(
                .run(5), .crash("c"), .publish("d", .catalog(catalog("x"))), .run(10),
                .partition(["a", "b"], ["d", "e", "f"]),
                .run(20), .heal, .start("c"), .run(10), .leave("e"), .run(5))
            return network.trace
        }
        let first = trace(7)
        #expect(first == trace(7))
        #expect(first != trace(8))
        #expect(first.count > 500)
    }
}
