import Gossip
import Testing

@Suite struct FailureTests {
    @Test(arguments: UInt64(1)...20)
    func aKilledNodeIsUnreachableWithinFiveSeconds(seed: UInt64) throws {
        let network = TestNetwork(count: 3, seed: seed)
        network.script(.run(10), .crash("s2"))
        let seconds = try #require(
            network.seconds(until: 20) {
                network.state(of: "s2", at: "s0") == .unreachable && network.state(of: "s2", at: "s1") == .unreachable
            })
        #expect(seconds < 5)
        // By way of suspicion, at both.
        for observer in ["s0", "s1"] {
            let states = network.changes.filter { $0.observer == node(observer) }.map(\.change)
            #expect(states.contains(.nodeState(node("s2"), from: .alive, to: .suspect)))
        }
        #expect(network.state(of: "s1", at: "s0") == .alive)
    }

    @Test(arguments: UInt64(1)...5)
    func oneOfTwentyIsFoundByAll(seed: UInt64) throws {
        let network = TestNetwork(count: 20, seed: seed)
        network.script(.run(15), .crash("s7"))
        let seconds = try #require(
            network.seconds(until: 30) {
                network.names.allSatisfy { $0 == "s7" || network.state(of: "s7", at: $0) == .unreachable }
            })
        #expect(seconds < 15)
        for name in network.names where name != "s7" { #expect(network.state(of: name, at: "s0") == .alive) }
    }

    @Test func aNodeThatOnlyOneCannotReachStaysAlive() {
        let network = TestNetwork(count: 4)
        network.script(.run(10), .cut("s0", to: "s1"), .cut("s1", to: "s0"), .run(120))
        for observer in ["s0", "s2", "s3"] { #expect(network.state(of: "s1", at: observer) == .alive) }
        let verdicts = network.changes.filter {
            if case .nodeState(_, _, .unreachable) = $0.change { true } else { false }
        }
        #expect(verdicts.isEmpty)
    }

    @Test func aFalseClaimIsRefutedByANewerIdentity() throws {
        let network = TestNetwork(count: 3)
        network.perform(.run(10))
        let before = try #require(network.machines[node("s1")]?.ownRecord(.identity)?.record.version)
        let claim = Claim(node: node("s1"), version: before, state: .suspect)
        network.act(node("s1")) {
            $0.onExchange(
                Message(.ping, claims: [claim]), from: node("s0"), now: network.now, wallSeconds: network.wallSeconds,
                authority: FakeAuthority(signer: node("s1"))
            ).directives
        }
        network.perform(.run(1))
        let after = Version(generation: before.generation, sequence: before.sequence + 1)
        #expect(network.machines[node("s0")]?.view[node("s1")]?.identityVersion == after)
        #expect(network.machines[node("s2")]?.view[node("s1")]?.identityVersion == after)
    }

    @Test func whoeverHeardTheAccusedJustNowTellsItInsteadOfBelieving() {
        let network = TestNetwork(count: 3)
        network.perform(.run(10))
        guard let version = network.machines[node("s1")]?.ownRecord(.identity)?.record.version else { return }
        let claim = Claim(node: node("s1"), version: version, state: .unreachable)
        network.act(node("s0")) {
            $0.onExchange(
                Message(.announce([]), claims: [claim]), from: node("s2"), now: network.now,
                wallSeconds: network.wallSeconds, authority: FakeAuthority(signer: node("s0"))
            ).directives
        }
        #expect(network.state(of: "s1", at: "s0") == .alive)
        network.perform(.run(1))
        #expect(network.machines[node("s0")]?.view[node("s1")]?.identityVersion?.sequence == version.sequence + 1)
    }

    @Test func leavingIsNotFailing() throws {
        let network = TestNetwork(count: 5)
        network.script(.run(10), .leave("s3"), .run(0.1))
        for observer in ["s0", "s1", "s2", "s4"] { #expect(network.state(of: "s3", at: observer) == .left) }
        network.script(.crash("s3"), .run(60))
        for observer in ["s0", "s1", "s2", "s4"] { #expect(network.state(of: "s3", at: observer) == .left) }
        #expect(!network.changes.contains { $0.change == .nodeState(node("s3"), from: .left, to: .suspect) })
        network.script(.start("s3"), .run(3))
        #expect(network.state(of: "s3", at: "s0") == .alive)
    }

    /// News that reach a node after it left must not make it ask to be called again and again.
    @Test func whoLeftAsksForNoMoreThanItsRounds() {
        let network = TestNetwork(count: 3)
        network.script(.run(10), .leave("s2"), .run(1), .publish("s1", .catalog(catalog("late"))), .crash("s0"), .run(30))
        guard let machine = network.machines[node("s2")] else { return }
        #expect(machine.hasLeft)
        #expect(machine.nextTick > network.now)
    }

    @Test func aRestartRevives() {
        let network = TestNetwork(count: 3)
        network.script(.run(10), .crash("s2"), .run(20))
        #expect(network.state(of: "s2", at: "s0") == .unreachable)
        network.script(.start("s2"), .run(1))
        #expect(network.state(of: "s2", at: "s0") == .alive)
        #expect(network.state(of: "s2", at: "s1") == .alive)
    }

    /// A node restored without its state, its clock set back.
    @Test(arguments: [UInt64(5), 1_600_000_000])
    func aLowerGenerationJumpsAboveItsOldOne(generation: UInt64) throws {
        let network = TestNetwork(count: 3)
        network.perform(.run(10))
        let old = try #require(network.machines[node("s2")]?.generation)
        network.script(.crash("s2"), .run(20), .start("s2", generation: generation), .run(3))
        #expect(network.machines[node("s2")]?.generation == old + 1)
        #expect(network.stored[node("s2")] == old + 1)
        #expect(network.machines[node("s0")]?.view[node("s2")]?.generation == old + 1)
        #expect(network.state(of: "s2", at: "s1") == .alive)
        #expect(network.notices.contains { $0.notice == .generationRaised(from: generation, to: old + 1) })
        #expect(network.isConverged)
    }

    /// The same generation again with fewer changes made: a clone, or a restore within the second.
    @Test func theSameGenerationAgainIsLeftBehind() throws {
        let network = TestNetwork(count: 3)
        network.perform(.run(10))
        let old = try #require(network.machines[node("s2")]?.generation)
        network.perform(.publish("s2", .catalog(catalog("second"))))
        network.script(.run(1), .crash("s2"), .start("s2", generation: old), .run(3))
        #expect(network.machines[node("s2")]?.generation == old + 1)
        #expect(network.models(of: "s2", at: "s0") == ["model-of-s2"])
        #expect(network.isConverged)
    }

    @Test func aDeadNodeIsForgottenAndItsGhostNeverReturns() throws {
        var settings = Settings()
        settings.deadAfterSeconds = 20
        settings.forgetAfterSeconds = 20
        let network = TestNetwork(count: 4, settings: settings)
        network.perform(.run(10))
        let ghost = try #require(network.machines[node("s3")]?.ownRecord(.identity))
        network.script(.crash("s3"), .run(80))
        #expect(network.machines[node("s0")]?.view[node("s3")] == nil)
        #expect(network.changes.contains { $0.change == .forgotten(node("s3")) })
        // Someone who was away all the time brings the record back.
        let item = DeltaItem(
            origin: hash(of: "s3", in: network), kind: .identity, version: ghost.record.version, token: ghost.token)
        network.act(node("s0")) {
            $0.onExchange(
                Message(.delta(Delta(items: [item], isNews: true))), from: node("s1"), now: network.now,
                wallSeconds: network.wallSeconds, authority: FakeAuthority(signer: node("s0"))
            ).directives
        }
        #expect(network.machines[node("s0")]?.view[node("s3")] == nil)
        #expect(network.machines[node("s0")]?.counters.refusals[.buried] == 1)
        network.script(.start("s3"), .run(3))
        #expect(network.state(of: "s3", at: "s0") == .alive)
    }

    @Test func aDeadNodeThatLivesReturnsWithAHigherGeneration() throws {
        var settings = Settings()
        settings.deadAfterSeconds = 20
        settings.forgetAfterSeconds = 20
        let network = TestNetwork(count: 3, settings: settings)
        network.perform(.run(10))
        let old = try #require(network.machines[node("s2")]?.generation)
        // Long enough for both sides to have buried the other.
        network.script(.partition(["s0", "s1"], ["s2"]), .run(90))
        #expect(network.machines[node("s0")]?.view[node("s2")] == nil)
        network.script(.heal, .run(10))
        #expect(network.state(of: "s2", at: "s0") == .alive)
        #expect(try #require(network.machines[node("s2")]?.generation) > old)
        #expect(network.isConverged)
    }

    @Test func whoIsCutOffDoubtsItselfFirst() {
        let network = TestNetwork(count: 12)
        let rest = Array(network.names[1...])
        network.script(.run(15), .partition(["s0"], rest), .run(25))
        let verdicts = network.changes.filter {
            if $0.observer == node("s0"), case .nodeState(_, _, .unreachable) = $0.change { true } else { false }
        }
        #expect(verdicts.isEmpty)
        #expect(network.notices.contains { $0.observer == node("s0") && $0.notice == .doubting(true) })
        // The many are right about the one.
        #expect(network.state(of: "s0", at: "s5") == .unreachable)
        network.script(.heal, .run(15))
        #expect(network.isConverged)
        for name in rest { #expect(network.state(of: name, at: "s0") == .alive) }
    }

    @Test(arguments: UInt64(1)...10)
    func whoIsCutOffInASmallMeshKnowsIt(seed: UInt64) throws {
        let network = TestNetwork(count: 3, seed: seed)
        network.script(.run(10))
        for other in ["s1", "s2"] { network.script(.cut("s0", to: other), .cut(other, to: "s0")) }
        _ = try #require(
            network.seconds(until: 15) { ["s1", "s2"].allSatisfy { network.state(of: $0, at: "s0") == .unreachable } })
    }

    @Test func doubtHasAnEnd() {
        let network = TestNetwork(count: 8)
        network.perform(.run(10))
        for name in network.names[1...] { network.perform(.crash(name)) }
        network.perform(.run(150))
        for name in network.names[1...] { #expect(network.state(of: name, at: "s0") == .unreachable) }
    }

    @Test func aProcessThatStoodStillAccusesNobody() {
        let network = TestNetwork(count: 6)
        network.script(.run(15), .pause("s2"), .run(60))
        #expect(network.state(of: "s2", at: "s0") == .unreachable)
        let before = network.changes.count
        network.script(.resume("s2"), .run(10))
        let accused = network.changes[before...].filter {
            if $0.observer == node("s2"), case .nodeState(_, _, let to) = $0.change { to != .alive } else { false }
        }
        #expect(accused.isEmpty)
        #expect(network.isConverged)
        #expect(network.state(of: "s2", at: "s0") == .alive)
    }
}

/// The hash by which the wire names a node, as its own digest says it.
func hash(of name: String, in network: TestNetwork) -> UInt64 { originHash(of: node(name)) }
