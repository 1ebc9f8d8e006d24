import Gossip
import Testing

@testable import Simulation

/// Each check is shown to see what it is there for.
@Suite struct InvariantTests {
    private func world(_ scenario: Scenario = .calm(3, seconds: 20)) -> World {
        var world = World(scenario, seed: 1)
        world.run(progress: nil)
        return world
    }

    private func sight(_ generation: UInt64, _ state: NodeState, identity: UInt32 = 0, buried: UInt64 = 0) -> Sight {
        var sight = Sight()
        sight.generation = generation
        sight.identity = identity
        sight.state = state
        sight.buried = buried
        return sight
    }

    @Test func aCalmWorldIsSound() {
        let world = world()
        #expect(world.failure == nil)
        #expect(world.court.convergence.holds)
    }

    @Test(arguments: [NodeState.alive, .suspect, .unreachable])
    func ghostsAreSeen(state: NodeState) {
        let world = world()
        let dead = sight(7, .dead, buried: 7)
        #expect(world.checkSight(0, 1, dead, sight(7, state, buried: 7))?.kind == .ghost)
        #expect(world.checkSight(0, 1, dead, sight(8, state, buried: 7)) == nil)
        // Forgotten, and back.
        var forgotten = Sight()
        forgotten.buried = 7
        #expect(world.checkSight(0, 1, forgotten, sight(6, state))?.kind == .ghost)
    }

    @Test func theDeadAreBuriedWithTheirGeneration() {
        var shown = sight(7, .alive)
        shown.take(Sighting(state: .dead, digest: DigestEntry(origin: 0, generation: 7)), at: 0)
        #expect(shown.buried == 7)
        shown.take(nil, at: 0)
        #expect(shown.buried == 7 && shown.state == nil)
    }

    @Test func versionsThatWereNeverSignedAreSeen() {
        let world = world()
        let known = world.sights[0, 1]
        var next = known
        next.catalog += 1
        #expect(world.checkSight(0, 1, known, next)?.kind == .forged)
        next = known
        next.generation += 1
        #expect(world.checkSight(0, 1, known, next)?.kind == .forged)
    }

    @Test func versionsThatGoBackAreSeen() {
        let world = world()
        let known = world.sights[0, 1]
        var before = known
        before.identity = 0
        #expect(world.checkSight(0, 1, known, before)?.kind == .wentBack)
        before = sight(known.generation - 1, .alive)
        #expect(world.checkSight(0, 1, known, before)?.kind == .wentBack)
        #expect(world.checkSight(0, 1, known, known) == nil)
    }

    @Test func recordsThatWereNeverSignedAreSeen() throws {
        let world = world()
        let held = try #require(world.nodes[0].life?.machine.heldRecord(.catalog, of: world.nodes[1].id))
        #expect(world.checkRecord(held, of: 1, at: 0) == nil)
        #expect(world.checkRecord(held, of: 2, at: 0) != nil)
        var token = held.token
        token[token.count - 1] ^= 1
        #expect(world.checkRecord(SignedRecord(record: held.record, token: token), of: 1, at: 0) != nil)
        var record = held.record
        record.body = .catalog(Catalog(models: []))
        #expect(world.checkRecord(SignedRecord(record: record, token: held.token), of: 1, at: 0) != nil)
    }

    @Test func changesThatNobodyToldAreSeen() {
        var world = world()
        for observer in 0..<3 { world.sights[observer, 2].catalog += 1 }
        world.audit()
        #expect(world.failure?.kind == .untold)
    }

    @Test func timeThatStandsStillIsSeen() {
        let scenario = Scenario.calm(2).doing(Step(at: 5, .storm("all", everySeconds: 1e-12, forSeconds: 10)))
        #expect(scenario.run().failure?.kind == .timeStands)
    }

    @Test func capsAreCountedFromOutside() {
        var settings = Settings()
        settings.bytesPerSecond = 4096
        settings.burstBytes = 65_536
        var guards = Guards(settings, nodes: 1)
        func send(_ bytes: Int, at seconds: Double, pending: Int = 1) -> String? {
            guards.sent(
                Message(.ping), bytes: bytes, by: 0, isRequest: true, pending: pending,
                now: VirtualTime.nanoseconds(seconds))
        }
        #expect(send(65_536, at: 1) == nil)
        #expect(send(4000, at: 2) == nil)
        #expect(send(200, at: 2) != nil)
        guards.begin(0, at: 3_000_000_000)
        #expect(send(100, at: 3, pending: settings.maximumPendingExchanges + 1) != nil)
        for _ in 0..<(2 * settings.peersPerTick) { _ = send(1, at: 3) }
        #expect(send(1, at: 3)?.contains("conversations") ?? false)
        guards.endRound(0)
        #expect(send(1, at: 3) == nil)
    }

    @Test func deltasAreCounted() {
        var settings = Settings()
        settings.deltaRecords = 2
        settings.deltaBytes = 1024
        var guards = Guards(settings, nodes: 1)
        func send(_ count: Int, _ bytes: Int) -> String? {
            let item = DeltaItem(
                origin: 1, kind: .load, version: Version(generation: 1, sequence: 1),
                token: [UInt8](repeating: 0, count: bytes))
            let message = Message(.delta(Delta(items: Array(repeating: item, count: count))))
            return guards.sent(message, bytes: 10, by: 0, isRequest: true, pending: 1, now: 0)
        }
        #expect(send(1, 5000) == nil)
        #expect(send(2, 512) == nil)
        #expect(send(2, 513) != nil)
        #expect(send(3, 10) != nil)
    }
}
