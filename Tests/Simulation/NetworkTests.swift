import Gossip
import Testing

@testable import Simulation

@Suite struct NetworkTests {
    private func seconds(_ passage: Passage) -> Double? {
        if case .arrives(let after) = passage { VirtualTime.seconds(after) } else { nil }
    }

    private func passages(_ model: NetworkModel, bytes: Int = 100, count: Int = 2000) -> [Passage] {
        var random = SeededGenerator(seed: 3)
        return (0..<count).map { _ in model.passage(bytes: bytes, pathSeconds: 0.02, &random) }
    }

    @Test func eachPairHasItsDelayBothWays() {
        let model = NetworkModel()
        var seen: Set<Double> = []
        for a in 0..<20 {
            for b in 0..<20 where a != b {
                let delay = model.pathSeconds(a, b, seed: 1)
                #expect(delay == model.pathSeconds(b, a, seed: 1))
                #expect(model.delaySeconds.contains(delay))
                seen.insert(delay)
            }
        }
        #expect(seen.count == 190)
    }

    @Test func withoutLossAllArriveWithinTheJitter() {
        for passage in passages(NetworkModel()) {
            let time = seconds(passage) ?? .infinity
            #expect((0.02...0.0221).contains(time))
        }
    }

    @Test func lossInAStreamIsDelay() {
        var model = NetworkModel()
        model.loss = 0.1
        model.resetPerLoss = 0
        let times = passages(model).map { seconds($0) ?? .infinity }
        #expect(times.allSatisfy { $0.isFinite })
        let late = times.filter { $0 > 0.2 }.count
        #expect((140...260).contains(late))
        // Twice lost: 0.2 and 0.4 s.
        #expect((8...40).contains(times.filter { $0 > 0.6 }.count))
    }

    @Test func lossNowAndThenResets() {
        var model = NetworkModel()
        model.loss = 0.2
        model.resetPerLoss = 0.1
        let broken = passages(model).filter { if case .breaks = $0 { true } else { false } }.count
        #expect((25...90).contains(broken))
    }

    @Test func whatIsLostOfDatagramsIsLost() {
        var model = NetworkModel()
        model.loss = 0.25
        model.datagrams = true
        let lost = passages(model).filter { $0 == .vanishes }.count
        #expect((430...570).contains(lost))
    }

    @Test func largerMessagesAreLateMoreOften() {
        var model = NetworkModel()
        model.loss = 0.05
        model.resetPerLoss = 0
        func late(_ bytes: Int) -> Int { passages(model, bytes: bytes).filter { seconds($0) ?? 1 > 0.15 }.count }
        #expect(late(14_000) > 4 * late(100))
    }

    @Test func aConnectionCostsTwoRoundTripsOnceAWhile() {
        var random = SeededGenerator(seed: 1)
        let handshake = NetworkModel().handshake(pathSeconds: 0.02, &random)
        #expect(handshake == .arrives(afterNanoseconds: 80_000_000))
        var links = Links()
        func use(_ now: UInt64, dialler: UInt32 = 1) -> Bool {
            links.use(0, 1, dialler: dialler, listener: 1, now: now, keptFor: 60)
        }
        #expect(!use(0))
        #expect(use(60))
        #expect(!use(121))
        #expect(!use(122, dialler: 2))
        links.close(0, 1)
        #expect(!use(123, dialler: 2))
        // The way back is a connection of its own.
        let wayBack = links.use(1, 0, dialler: 1, listener: 2, now: 123, keptFor: 60)
        #expect(!wayBack)
    }

    @Test func waysAreClosedAndOpened() {
        var wiring = Wiring(nodes: 6)
        wiring.split([[0, 1], [2, 3]])
        #expect(wiring.canAsk(0, 1) && !wiring.canAsk(0, 2) && !wiring.canAsk(3, 1))
        #expect(wiring.canAsk(0, 4) && wiring.canAsk(4, 2))
        wiring.cut(from: [4], to: [5])
        #expect(!wiring.canAsk(4, 5) && wiring.canAsk(5, 4) && wiring.isOpen(4, 5))
        wiring.clog([1], true)
        #expect(!wiring.canAsk(0, 1) && !wiring.canAsk(1, 4))
        wiring.clog([1], false)
        #expect(wiring.canAsk(0, 1) && !wiring.canAsk(0, 2))
        wiring.heal()
        #expect(wiring.canAsk(0, 2) && wiring.canAsk(4, 5))
    }
}
