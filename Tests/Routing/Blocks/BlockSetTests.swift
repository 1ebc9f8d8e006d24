import Gossip
import Testing

@testable import Routing

private let now: UInt64 = 2_000_000_000
private let alice = UserIdentity(subject: "9C8F-aa", username: "Alice@anl.gov")
private let robot = UserIdentity(staticToken: "ci")
private let me = NodeID(site: "alpha", node: "a1")
private let peer = NodeID(site: "beta", node: "b1")

private func set(_ kind: BlockKind, _ subject: String = "", until: UInt64? = nil) -> BlockSet {
    BlockSet([block(kind, subject, until: until)])
}

private func block(_ kind: BlockKind, _ subject: String = "", id: String = "1", until: UInt64? = nil) -> Block {
    Block(id: id, kind: kind, subject: subject, reason: "a test", by: "ops", at: now, until: until)
}

@Test(
    arguments: [
        ("beta", true), ("beta/b1", true), ("beta/b2", false), ("bet", false), ("b1", false), ("BETA", false),
    ])
func aPeerIsASiteOrANode(_ subject: String, _ isMeant: Bool) {
    #expect((set(.peer, subject).peer(peer, nowSeconds: now) != nil) == isMeant)
}

@Test(
    arguments: [
        ("alice@anl.gov", true), ("ALICE@ANL.GOV", true), ("9c8f-AA", true), ("alice", false), ("alice@anl.go", false),
    ])
func aUserIsKnownByNameOrSubject(_ subject: String, _ isMeant: Bool) {
    #expect((set(.user, subject).user(alice, nowSeconds: now) != nil) == isMeant)
    #expect(set(.user, subject).user(nil, nowSeconds: now) == nil)
}

@Test func aKeyIsAnIDOrAStaticTokensName() {
    #expect(set(.key, "0123").key("0123", of: alice, nowSeconds: now) != nil)
    #expect(set(.key, "0123").key("4567", of: alice, nowSeconds: now) == nil)
    #expect(set(.key, "0123").key(nil, of: alice, nowSeconds: now) == nil)
    #expect(set(.key, "ci").key(nil, of: robot, nowSeconds: now) != nil)
    // Keys made by a static token go with it.
    #expect(set(.key, "ci").key("4567", of: robot, nowSeconds: now) != nil)
    #expect(set(.key, "ci").key("4567", of: alice, nowSeconds: now) == nil)
}

@Test(arguments: BlockKind.allCases)
func aBlockEndsByTheClock(_ kind: BlockKind) {
    let subjects: [BlockKind: String] = [.peer: "beta", .user: "ci", .key: "ci", .model: "m", .isolation: ""]
    let blocks = set(kind, subjects[kind] ?? "", until: now + 10)
    func isInForce(at time: UInt64) -> Bool {
        switch kind {
        case .peer: blocks.peer(peer, nowSeconds: time) != nil
        case .user: blocks.user(robot, nowSeconds: time) != nil
        case .key: blocks.key(nil, of: robot, nowSeconds: time) != nil
        case .model: blocks.model("m", nowSeconds: time) != nil
        case .isolation: blocks.isolation(nowSeconds: time) != nil
        }
    }
    #expect(isInForce(at: now))
    #expect(isInForce(at: now + 9))
    #expect(!isInForce(at: now + 10))
    #expect(!isInForce(at: .max))
}

@Test func aSitesBlockThatEndedDoesNotHideItsNodes() {
    let blocks = BlockSet([block(.peer, "beta", id: "1", until: now), block(.peer, "beta/b1", id: "2")])
    #expect(blocks.peer(peer, nowSeconds: now)?.id == "2")
}

private struct Case: Sendable {
    var block: Block
    /// Codes: for this node's own user, for a peer's request, for what is sent to a peer.
    var own: RoutingFailure.Kind?
    var served: RoutingFailure.Kind?
    var sent: RoutingFailure.Kind?
}

private let cases: [Case] = [
    Case(block: block(.user, "ci"), own: .userBlocked, served: .userBlocked, sent: nil),
    Case(block: block(.key, "ci"), own: .keyBlocked, served: nil, sent: nil),
    Case(block: block(.model, "m"), own: .modelBlocked, served: .modelBlocked, sent: nil),
    Case(block: block(.peer, "beta"), own: nil, served: .peerBlocked, sent: .peerBlocked),
    Case(block: block(.peer, "gamma"), own: nil, served: nil, sent: nil),
    Case(block: block(.isolation), own: nil, served: .isolated, sent: .isolated),
]

@Test(arguments: cases.indices)
func whatABlockStandsAgainst(_ index: Int) {
    let one = cases[index]
    let blocks = BlockSet([one.block])
    let own = blocks.against(user: robot, key: nil, model: "m", from: nil, nowSeconds: now)
    let served = blocks.against(user: robot, key: nil, model: "m", from: peer, nowSeconds: now)
    #expect(own?.kind.failure == one.own)
    #expect(served?.kind.failure == one.served)
    #expect(blocks.against(sendingTo: peer, nowSeconds: now)?.kind.failure == one.sent)
}

@Test func theChoiceLeavesOutWhatIsBlocked() {
    func candidate(_ node: NodeID, local: Bool) -> Candidate {
        Candidate(
            node: node, isLocal: local, nodeState: .alive, isDraining: false,
            variant: Variant(id: "m", state: .running, backend: "openai"), load: LiveLoad())
    }
    func excluded(_ block: Block) -> [Bool] {
        var needs = RequestNeeds(model: "m")
        needs.blocks = BlockSet([block])
        needs.nowSeconds = now
        return [candidate(me, local: true), candidate(peer, local: false)].map {
            Choice().exclusion(of: $0, for: needs) == .blocked(block)
        }
    }
    #expect(excluded(block(.peer, "beta/b1")) == [false, true])
    #expect(excluded(block(.isolation)) == [false, true])
    #expect(excluded(block(.model, "m")) == [true, true])
    #expect(excluded(block(.model, "other")) == [false, false])
    #expect(excluded(block(.peer, "beta", until: now)) == [false, false])
}

@Test func othersSeeABlockedModelInMaintenance() {
    let variant = Variant(
        id: "m", state: .running, backend: "openai",
        direct: DirectOffer(
            entrySites: ["beta"], maxAgeSeconds: 60, endpoint: "e", function: "f", style: "s", server: "u",
            upstreamModel: "m",
            slots: 1))
    #expect(set(.model, "other").published(variant, nowSeconds: now) == variant)
    for blocks in [set(.model, "m", until: now + 1), set(.isolation, until: now + 1)] {
        let shown = blocks.published(variant, nowSeconds: now)
        #expect(shown.state == .maintenance && shown.direct == nil && shown.stateReason?.contains("operator") == true)
        #expect(blocks.published(variant, nowSeconds: now + 1) == variant)
        #expect(blocks.publishedKey(nowSeconds: now) != blocks.publishedKey(nowSeconds: now + 1))
    }
}

@Test func thereIsNothingToAskWhereNothingIsBlocked() {
    let blocks = Blocks()
    #expect(blocks.current == nil)
    blocks.set([block(.model, "m")])
    #expect(blocks.current?.model("m", nowSeconds: now) != nil)
    blocks.set([])
    #expect(blocks.current == nil)
}
