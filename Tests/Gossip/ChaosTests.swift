import Testing

@testable import Gossip

@Suite struct ChaosTests {
    /// A minute of everything at once; then peace, in which all views must become equal and right.
    @Test(arguments: UInt64(1)...20)
    func peaceFollowsAnyTrouble(seed: UInt64) throws {
        var settings = Settings()
        settings.deadAfterSeconds = 15
        settings.forgetAfterSeconds = 15
        var random = SeededGenerator(seed: seed)
        let network = TestNetwork(count: 7, seed: seed, settings: settings)
        network.perform(.run(5))
        for _ in 0..<30 {
            network.perform(randomOperation(of: network, &random))
            network.perform(.run(random.unit() * 4))
            checkThatNothingWentBack(network)
        }
        network.perform(.heal)
        for name in network.names {
            network.perform(.resume(name))
            if network.machines[node(name)]?.hasLeft ?? true { network.script(.crash(name), .start(name)) }
        }
        _ = try #require(
            network.seconds(until: 60) {
                network.isConverged && network.names.allSatisfy { network.state(of: $0, at: "s0") == .alive }
            }, "not converged after seed \(seed)")
        #expect(network.machines.values.allSatisfy { $0.counters.refusals[.equivocation] == nil })
    }

    private func randomOperation(of network: TestNetwork, _ random: inout SeededGenerator) -> Operation {
        let names = random.pick(network.names.count, of: network.names)
        switch Int.random(in: 0..<9, using: &random) {
        case 0: return .crash(names[0])
        case 1, 2: return .start(names[0], generation: nil, seeds: names[1] == "s0" ? nil : ["s0", names[1]])
        case 3: return .cut(names[0], to: names[1])
        case 4:
            let at = Int.random(in: 1..<names.count, using: &random)
            return .partition(Array(names[..<at]), Array(names[at...]))
        case 5: return .heal
        case 6: return .leave(names[0])
        case 7: return .pause(names[0])
        default: return .publish(names[0], .catalog(catalog("m\(random.next() % 100)")))
        }
    }

    /// A node that is seen is seen with one generation, that it signed.
    private func checkThatNothingWentBack(_ network: TestNetwork) {
        for machine in network.machines.values {
            for seen in machine.view.nodes {
                let versions = [seen.identityVersion, seen.catalogVersion, seen.loadVersion].compactMap { $0 }
                #expect(versions.allSatisfy { $0.generation == seen.generation })
                #expect(seen.generation <= network.stored[seen.id] ?? 0)
            }
            #expect(machine.nodes.suspected.count == machine.view.nodes.filter { $0.state == .suspect }.count)
            #expect(machine.pending.count <= machine.settings.maximumPendingExchanges)
        }
    }

    /// Whatever a member with a valid certificate sends, the machine stands, keeps its limits, and writes messages that can be read.
    @Test(arguments: UInt64(1)...5)
    func noMessageBreaksTheMachine(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var bench = Bench()
        for name in ["peer", "x", "y"] { _ = bench.receive(bench.item(name, .identity(identity(of: node(name))))) }
        var templates = CodecTests.messages
        templates.append(Message(.digest(mask: .max, bench.machine.digest(mask: .max))))
        templates.append(Message(.announce(bench.machine.digest(mask: .max))))
        templates.append(
            Message(
                .delta(Delta(items: [bench.item("z", .identity(identity(of: node("z"))))], isNews: true)),
                claims: [
                    Claim(node: node("x"), version: Version(generation: 7, sequence: 1), state: .dead),
                    Claim(node: bench.me, version: Version(generation: 100, sequence: 1), state: .suspect),
                ]))
        for _ in 0..<3000 {
            var bytes = templates[Int.random(in: 0..<templates.count, using: &random)].encode()
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8(truncatingIfNeeded: random.next())
            }
            guard let message = try? Message.decode(bytes) else { continue }
            var directives: [Directive] = []
            if let id = bench.machine.pending.keys.sorted().first, random.unit() < 0.5 {
                directives = bench.machine.onReply(
                    exchange: id, message, from: bench.machine.pending[id]?.contact.node ?? node("peer"), now: bench.now,
                    wallSeconds: bench.wallSeconds, authority: FakeAuthority(signer: bench.me))
            } else {
                let answer = bench.receive(message.body, claims: message.claims, from: random.unit() < 0.5 ? "peer" : "x")
                if let reply = answer.reply { #expect(try Message.decode(reply.encode()) == reply) }
                directives = answer.directives
            }
            directives += bench.tick(after: random.unit() * 0.3)
            for case .exchange(_, _, let message, _) in directives {
                #expect(try Message.decode(message.encode()) == message)
            }
            #expect(bench.machine.pending.count <= bench.machine.settings.maximumPendingExchanges)
            #expect(bench.machine.view.nodes.allSatisfy { ["me", "peer", "x", "y", "z"].contains($0.id.site) })
        }
        #expect(bench.machine.ownRecord(.identity)?.record.version.generation == bench.machine.generation)
    }
}
