import Gossip
import Simulation
import Testing

@testable import MeshNode

private func decode(_ text: String) throws(ConfigurationErrors) -> Scenario {
    try Decoding.decode(Array(text.utf8), file: "s.json5", directory: "/s", validatingFiles: false, Scenario.decode)
}

private let head = "{ scenario: 'tests', description: 'what it shows', nodes: 10, runSeconds: 60,"
private let ends = "expect: [{ that: 'falseDeaths', atMost: 0 }] }"
private let group = "groups: [{ name: 'some', count: 3 }],"

/// Fields of the scenario itself, on line 2.
private func scenario(_ fields: String) -> String { "\(head)\n\(fields), \(ends)" }
private func step(_ fields: String) -> String { "\(head)\n\(group) steps: [{ \(fields) }], \(ends)" }
private func expectation(_ fields: String) -> String {
    "\(head)\n\(group) steps: [{ atSeconds: 5, do: 'mark', name: 'here' }], expect: [{ \(fields) }] }"
}

@Suite struct ScenarioTests {
    @Test("defaults")
    func defaults() throws {
        let scenario = try decode(head + ends)
        var expected = Scenario(name: "tests", description: "what it shows", nodes: 10, runSeconds: 60)
        expected.expectations = [Simulation.Expectation(.falseDeaths(atMost: 0, outside: nil, from: nil, to: nil))]
        #expect(scenario == expected)
    }

    @Test(
        "steps",
        arguments: [
            ("do: 'start', group: 'some'", .start("some", disk: .kept)),
            ("do: 'start', group: 'some', disk: 'restored'", .start("some", disk: .restored)),
            ("do: 'crash', group: 'all'", .crash("all", isSilent: false)),
            ("do: 'crash', group: 'all', silent: true", .crash("all", isSilent: true)),
            ("do: 'leave', group: 'some'", .leave("some")),
            ("do: 'pause', group: 'some'", .pause("some")),
            ("do: 'resume', group: 'some'", .resume("some")),
            ("do: 'slow', group: 'some', seconds: [0.5, 2]", .slow("some", seconds: 0.5...2)),
            ("do: 'slow', group: 'some'", .slow("some", seconds: nil)),
            (
                "do: 'clock', group: 'some', offsetSeconds: -60, driftPartsPerMillion: 50",
                .clock("some", offsetSeconds: -60, driftPartsPerMillion: 50)
            ),
            ("do: 'publish', group: 'some', mark: 'm'", .publish("some", .catalog, mark: "m")),
            ("do: 'publish', group: 'some', what: 'drain'", .publish("some", .drain, mark: nil)),
            ("do: 'storm', group: 'some', everySeconds: 1, forSeconds: 9", .storm("some", everySeconds: 1, forSeconds: 9)),
            ("do: 'partition', groups: ['some', 'all']", .partition(["some", "all"])),
            ("do: 'cut', from: 'some', to: 'all'", .cut(from: "some", to: "all")),
            ("do: 'clog', group: 'some'", .clog("some", true)),
            ("do: 'unclog', group: 'some'", .clog("some", false)),
            ("do: 'heal'", .heal),
            ("do: 'diskFull', group: 'some'", .diskFull("some", true)),
            ("do: 'diskFull', group: 'some', full: false", .diskFull("some", false)),
            ("do: 'damageDisk', group: 'some'", .damageDisk("some")),
            ("do: 'renew', group: 'some', underNewRoot: true", .renew("some", underNewRoot: true)),
            ("do: 'trust', group: 'some', oldRoot: false", .trust("some", oldRoot: false, newRoot: true)),
            ("do: 'version', group: 'some', version: 1", .version("some", 1)),
            ("do: 'misbehave', group: 'some', how: 'forge'", .misbehave("some", .forge)),
            ("do: 'mark', name: 'm'", .mark("m")),
        ] as [(String, Step.Action)])
    func steps(fields: String, action: Step.Action) throws {
        #expect(try decode(step("atSeconds: 7, \(fields)")).steps == [Step(at: 7, action)])
    }

    @Test("a step's network is the scenario's with what it says changed")
    func network() throws {
        let scenario = try decode(
            scenario(
                "network: { loss: 0.1, reorder: 0.2 }, "
                    + "steps: [{ atSeconds: 1, do: 'network', network: { loss: 0.5 } }]"))
        var network = NetworkModel()
        network.loss = 0.1
        network.reorder = 0.2
        #expect(scenario.network == network)
        network.loss = 0.5
        #expect(scenario.steps == [Step(at: 1, .network(network))])
    }

    @Test(
        "expectations",
        arguments: [
            ("that: 'converged', withinSeconds: 9", .converged(after: nil, withinSeconds: 9)),
            ("that: 'converged', after: 'here', withinSeconds: 9", .converged(after: "here", withinSeconds: 9)),
            (
                "that: 'seen', mark: 'here', share: 0.99, withinSeconds: 1",
                .seen(mark: "here", share: 0.99, withinSeconds: 1)
            ),
            (
                "that: 'detected', group: 'some', states: ['dead', 'left'], withinSeconds: 8",
                .detected(group: "some", states: [.dead, .left], share: 1, after: nil, withinSeconds: 8)
            ),
            ("that: 'atEnd', group: 'some', states: ['alive']", .atEnd(group: "some", states: [.alive])),
            (
                "that: 'falseDeaths', atMost: 0, outside: 'some', from: 'here'",
                .falseDeaths(atMost: 0, outside: "some", from: "here", to: nil)
            ),
            (
                "that: 'bytesPerSecond', group: 'all', from: 'here', atMost: 1500",
                .bytesPerSecond(group: "all", from: "here", to: nil, atMost: 1500)
            ),
            (
                "that: 'bytesFor', from: 'here', to: 'here', atMost: 75000",
                .bytesFor(from: "here", to: "here", atMost: 75000)
            ),
            ("that: 'refused', cause: 'badSignature'", .refused(cause: .badSignature, atLeast: 1)),
            ("that: 'greylisted', group: 'some', share: 0.5", .greylisted(group: "some", share: 0.5)),
            (
                "that: 'exchangesPerSecond', group: 'some', atMost: 2.5",
                .exchangesPerSecond(group: "some", from: nil, to: nil, atMost: 2.5)
            ),
            ("that: 'recordBytes', atMost: 1000000", .recordBytes(atMost: 1_000_000)),
        ] as [(String, Simulation.Expectation.Kind)])
    func expectations(fields: String, kind: Simulation.Expectation.Kind) throws {
        #expect(try decode(expectation(fields)).expectations == [Simulation.Expectation(kind)])
    }

    @Test(
        "each rule",
        arguments: [
            (head + "}", "1: expect: is missing; allowed: a list of 1 to 64"),
            (head + "expect: [] }", "1: expect: found a list of 0; allowed: a list of 1 to 64"),
            ("{ \(ends)", "1: scenario: is missing; allowed: a name"),
            ("{ \(ends)", "1: description: is missing"),
            ("{ \(ends)", "1: nodes: is missing; allowed: an integer from 1 to 4096"),
            ("{ \(ends)", "1: runSeconds: is missing; allowed: a number of seconds from 1 to 2592000"),
            (scenario("node: 3"), "2: node: unknown key; did you mean `nodes`"),
            (scenario("runSeconds: 5"), "2: runSeconds: the key is given twice"),
            (scenario("seeds: [10]"), "2: seeds[0]: found 10; allowed: an integer from 0 to 9"),
            (scenario("seeds: [1, 1]"), "2: seeds[1]: found 1, which line 2 has already"),
            (
                scenario("startWithinSeconds: 61"),
                "2: startWithinSeconds: found 61; allowed: a number of seconds from 0 to 60"
            ),
            (scenario("network: { loss: 1 }"), "2: network.loss: found 1; allowed: a number from 0 to 0.95"),
            (
                scenario("network: { delaySeconds: 0.1 }"),
                "2: network.delaySeconds: found 0.1; allowed: [least, most], two numbers of seconds from 0 to 60"
            ),
            (scenario("network: { delaySeconds: [2, 1] }"), "2: network.delaySeconds: found a list; allowed: [least, most]"),
            (scenario("network: { lost: 0.1 }"), "2: network.lost: unknown key; did you mean `loss`?"),
            (scenario("settings: { period: 1 }"), "2: settings.period: unknown key; did you mean `periodSeconds`"),
            (
                scenario("settings: { periodSeconds: 0.01 }"),
                "2: settings.periodSeconds: found 0.01; allowed: a number of seconds from 0.05 to 60"
            ),
            (
                scenario("settings: { announceFanout: 2.5 }"),
                "2: settings.announceFanout: found 2.5; allowed: an integer from 1 to 16"
            ),
            (scenario("records: { renewedAfter: 1 }"), "2: records.renewedAfter: found 1; allowed: a number from 0 to 0.95"),
            (
                scenario("chaos: { fromSeconds: 50, toSeconds: 40, count: 3 }"),
                "2: chaos.toSeconds: found 40; allowed: a number of seconds from 50 to 60"
            ),
            (scenario("groups: [{ name: 'all', count: 1 }]"), "2: groups[0].name: found \"all\", which is every node"),
            (
                scenario("groups: [{ name: 'a', count: 1 },\n{ name: 'a', count: 1 }]"),
                "3: groups[1].name: found \"a\", which line 2"
            ),
            (scenario("groups: [{ name: 'a' }]"), "2: groups[0]: found none of its ways to say who is in it"),
            (scenario("groups: [{ name: 'a', count: 1, share: 1 }]"), "2: groups[0]: found count and share"),
            (
                scenario("groups: [{ name: 'a', nodes: [12] }]"),
                "2: groups[0].nodes[0]: found 12; allowed: an integer from 0 to 9"
            ),
            (
                scenario("groups: [{ name: 'a', rest: true, mayBeSeeds: true }]"),
                "2: groups[0].mayBeSeeds: stands beside rest"
            ),
            (
                scenario("groups: [{ name: 'a', count: 6 }, { name: 'b', count: 4 }]"),
                "2: groups[1].count: found 4, which is 4 nodes; allowed: at most the 3 that are neither seeds"
            ),
            (
                scenario("groups: [{ name: 'a', share: 0.6 }, { name: 'b', count: 5, mayBeSeeds: true }]"),
                "2: groups[1].count: found 5, which is 5 nodes; allowed: at most the 4 that are in no group before it"
            ),
            (
                step("atSeconds: 61, do: 'heal'"),
                "2: steps[0].atSeconds: found 61; allowed: a number of seconds from 0 to 60"
            ),
            (step("atSeconds: 6, do: 'explode'"), "2: steps[0].do: found \"explode\"; allowed: \"start\", \"crash\""),
            (step("atSeconds: 6"), "2: steps[0].do: is missing; allowed: \"start\""),
            (
                step("atSeconds: 6, do: 'crash', group: 'sme'"),
                "2: steps[0].group: found \"sme\"; allowed: the name of a group; did you mean `some`?"
            ),
            (step("atSeconds: 6, do: 'crash'"), "2: steps[0].group: is missing; allowed: the name of a group: all, some"),
            (step("atSeconds: 6, do: 'crash', group: 'some', disk: 'kept'"), "2: steps[0].disk: unknown key"),
            (
                step("atSeconds: 6, do: 'partition', groups: ['some']"),
                "2: steps[0].groups: found a list of 1; allowed: a list of 2"
            ),
            (
                step("atSeconds: 6, do: 'partition', groups: ['some', 'some']"),
                "2: steps[0].groups[1]: found \"some\", which line 2"
            ),
            (
                step("atSeconds: 6, do: 'mark', name: 'm' }, { atSeconds: 7, do: 'mark', name: 'm'"),
                "2: steps[1].name: found \"m\""
            ),
            (
                step("atSeconds: 6, do: 'misbehave', group: 'some', how: 'lie'"),
                "2: steps[0].how: found \"lie\"; allowed: \"forge\""
            ),
            (expectation("that: 'fine'"), "2: expect[0].that: found \"fine\"; allowed: \"converged\""),
            (
                expectation("that: 'converged', after: 'hera', withinSeconds: 1"),
                "2: expect[0].after: found \"hera\"; allowed: the name of a mark of the steps; did you mean `here`?"
            ),
            (expectation("that: 'converged'"), "2: expect[0].withinSeconds: is missing"),
            (
                expectation("that: 'seen', mark: 'here', share: 2, withinSeconds: 1"),
                "2: expect[0].share: found 2; allowed: a number from 0 to 1"
            ),
            (
                expectation("that: 'atEnd', group: 'some', states: ['gone']"),
                "2: expect[0].states[0]: found \"gone\"; allowed: \"alive\""
            ),
            (expectation("that: 'refused', cause: 'bad'"), "2: expect[0].cause: found \"bad\"; allowed: \"malformed\""),
        ])
    func rules(text: String, expected: String) {
        let error = #expect(throws: ConfigurationErrors.self) { try decode(text) }
        let lines = error?.description.split(separator: "\n").map(String.init) ?? []
        #expect(lines.contains { $0.hasPrefix("s.json5:\(expected)") }, "\(error?.description ?? "no error")")
    }

    @Test("every setting of the gossip can be given, within its range")
    func settings() throws {
        let names = Mirror(reflecting: Settings()).children.compactMap { $0.label.map { String($0.drop { $0 == "_" }) } }
        let readable = SettingField.all.map(\.name)
        #expect(Set(names).subtracting(readable).isEmpty && Set(readable).subtracting(names).isEmpty)
        #expect(Set(readable).count == readable.count)
        let scenario = try decode(scenario("settings: { probeTimeoutSeconds: 3, deltaRecords: 16 }"))
        #expect(scenario.settings.probeTimeoutSeconds == 3 && scenario.settings.deltaRecords == 16)
    }

    @Test("seeds", arguments: [("1..200", 1...200), ("7..7", 7...7), ("0..999999", 0...999_999)])
    func seeds(text: String, expected: ClosedRange<UInt64>) {
        #expect(SeedRange(text) == SeedRange(first: expected.lowerBound, last: expected.upperBound))
    }

    @Test("no seeds", arguments: ["", "1", "1..", "..1", "2..1", "1...2", "1..2..3", "-1..2", "a..b", "1..1000001", "1.2"])
    func noSeeds(text: String) { #expect(SeedRange(text) == nil) }
}

/// The files of /topology.
@Suite struct ScenarioFileTests {
    @Test("the shipped scenarios are clean, and are read again as they are written", arguments: try shippedScenarios())
    func shipped(path: String) throws {
        let scenario = try Scenario.load(path: path)
        #expect(try CheckedFile.load(path: path) == .scenario(scenario))
        #expect(path.hasSuffix("/\(scenario.name).json5"))
        #expect(try decode(scenario.render()) == scenario)
    }

    @Test("all that a file can say is written and read again")
    func everything() throws {
        let scenario = try decode(
            """
            { scenario: 'all', description: 'd', nodes: 12, nodesPerSite: 2, runSeconds: 100.5, startWithinSeconds: 2,
              seeds: [1, 2],
              settings: { periodSeconds: 2, announceFanout: 4 },
              network: { delaySeconds: [0.1, 0.2], jitterSeconds: 0, loss: 0.1, retransmitSeconds: 1, resetPerLoss: 0.5,
                exchangeFailure: 0.25, duplication: 0.1, reorder: 0.1, bandwidthBytesPerSecond: 5000, datagrams: true,
                idleLinkSeconds: 5, handshakeBytes: 1, wireBytesPerMessage: 4 },
              records: { catalogBytes: 200, identityBytes: 300, loadEverySeconds: 10, certificateSeconds: 500,
                renewedAfter: 0 },
              groups: [{ name: 'a', nodes: [3, 1] }, { name: 'b', count: 2, mayBeSeeds: true }, { name: 'c', share: 0.25 },
                { name: 'd', rest: true }],
              steps: [{ atSeconds: 1, do: 'network', network: { loss: 0, bandwidthBytesPerSecond: 0 } },
                { atSeconds: 2, do: 'network' }, { atSeconds: 2, do: 'mark', name: 'm' },
                { atSeconds: 3, do: 'clock', group: 'a', offsetSeconds: 3, driftPartsPerMillion: -7 },
                { atSeconds: 4, do: 'slow', group: 'b', seconds: [1, 2] }],
              chaos: { fromSeconds: 5, toSeconds: 50, count: 8 },
              expect: [{ that: 'falseDeaths', atMost: 3, outside: 'a', from: 'm', to: 'm' },
                { that: 'detected', group: 'c', states: ['dead', 'unreachable'], share: 0.5, after: 'm',
                  withinSeconds: 8 }] }
            """)
        #expect(try decode(scenario.render()) == scenario)
        #expect(scenario.records.renewedAfter == nil && scenario.chaos?.count == 8)
    }
}
