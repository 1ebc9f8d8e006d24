/// Every tunable of the protocol. The defaults are for some to some hundred sites over a wide-area network.
public struct Settings: Equatable, Sendable {
    public init() {}

    // Rounds

    /// Seconds between rounds (chitchat and foca: 1 s).
    @Limited(0.05...60) public var periodSeconds = 1.0
    /// Part of the period by which each round varies, so that nodes do not march in step.
    @Limited(0...0.5) public var periodJitter = 0.2
    /// Nodes from which a summary is refined by 64 bucket hashes before the digest is sent.
    @Limited(1...4096) public var bucketNodes = 64
    /// Chance a round of also trying a seed that is not a live peer, while other peers are alive (chitchat: one in N).
    @Limited(0...1) public var seedProbability = 0.1
    /// Seeds tried at once while no peer is alive.
    @Limited(1...16) public var seedFanout = 3
    /// Least chance a round of trying an unreachable or dead node; it grows to 1 with their share (chitchat).
    @Limited(0...1) public var downProbability = 0.1

    /// Live peers up to which every node exchanges with every other; above it each keeps to an active view. At 50 nodes that costs a
    /// quarter of what exchanging with all does, most of which is connections made anew (docs/gossip.md).
    @Limited(4...4096) public var activeViewAbove = 24
    /// Peers in the active view: three neighbours on the ring of names and others at random (HyParView has 5; 8–16 here).
    @Limited(4...64) public var activePeers = 12
    /// Seconds after which the oldest random peer of the active view gives way to another.
    @Limited(1...86_400) public var rotationSeconds = 60.0

    // Budget: hard caps, kept by the machine itself

    /// Bytes a second that this node sends, all messages with their heads, as a mean over any time; see `burstBytes`.
    @Limited(4096...16_777_216) public var bytesPerSecond = 131_072.0
    /// Bytes that may be sent above that at once: in any time of t seconds no more than this and t x `bytesPerSecond` go out.
    @Limited(65_536...67_108_864) public var burstBytes = 1_048_576.0
    /// Conversations begun in one period.
    @Limited(4...256) public var peersPerTick = 48
    /// Requests a second that one peer may send us, and as many again eight times over at once; what is above is not answered.
    @Limited(1...1000) public var requestsPerPeer = 32.0
    /// Bytes of the signed records held of one origin; each of the three kinds has a third.
    @Limited(4096...196_608) public var bytesPerOrigin = 196_608
    /// Bytes of all signed records held.
    @Limited(65_536...1_073_741_824) public var memoryBytes = 134_217_728
    /// Bytes that a request, and an answer, cost besides their body (the heads of HTTP; measured at the real node).
    @Limited(0...1024) public var requestOverheadBytes = 50
    @Limited(0...1024) public var answerOverheadBytes = 38
    /// Bytes of an acknowledgement without claims, all in all: the head alone says it, from version 2 on.
    @Limited(0...1024) public var acknowledgementBytes = 17
    /// Wire versions spoken; a peer is written to in the highest that both know.
    @Limited(1...2) public var lowestVersion: UInt8 = 1
    @Limited(1...2) public var highestVersion: UInt8 = 2

    // News

    /// Peers told of a state change (DESIGN.md §6: 99 % of 1000 nodes in 1.1 s).
    @Limited(1...16) public var announceFanout = 3
    /// Live peers above which one more is told: the tail of the last few is longer there, and the cost a smaller part.
    @Limited(4...4096) public var widerAbove = 64
    /// Least seconds between two announcements; what comes meanwhile goes together.
    @Limited(0...10) public var announceIntervalSeconds = 0.1
    /// Seconds after which an announced version that has not come is fetched from a second peer.
    @Limited(0...60) public var fetchPatienceSeconds = 0.4
    /// Peers that are handed the last record of a node that leaves.
    @Limited(1...64) public var leaveFanout = 8

    // Load

    /// Seconds after which a changed load is published (DESIGN.md §6).
    @Limited(0.1...3600) public var loadIntervalSeconds = 10.0
    /// Change of running plus waiting, as a part of the slots, that publishes at once.
    @Limited(0...10) public var loadChange = 0.25
    /// Least seconds between two load records in a round, however much changes.
    @Limited(0...3600) public var loadMinimumSeconds = 1.0
    /// Least seconds between two load records made for answers (DESIGN.md §7).
    @Limited(0...3600) public var loadAnswerSeconds = 0.1

    // Failure detection (SWIM 2002; Lifeguard, arXiv 1707.00788)

    /// Seconds a small exchange may take; times the local health. memberlist: 0.5 s in a LAN, 3 s in a WAN.
    @Limited(0.05...60) public var probeTimeoutSeconds = 1.5
    /// Part of that after which a round's first message has failed so far that others are asked to try: no verdict, only haste.
    @Limited(0.1...1) public var hasteShare = 0.5
    /// Seconds that an exchange of records may take; its failure is no sign of death.
    @Limited(0.5...600) public var transferTimeoutSeconds = 15.0
    /// Peers asked to try for us.
    @Limited(0...16) public var indirectProbes = 3
    /// Suspicion lasts at least this x max(1, log10 nodes) x period. memberlist: 4; lower here, since `unreachable` is mild:
    /// it is undone by one exchange.
    @Limited(0.5...100) public var suspicionMultiplier = 0.75
    /// Without confirmations suspicion lasts this many times longer (memberlist: 6).
    @Limited(1...100) public var suspicionMaximumMultiplier = 6.0
    /// Independent confirmations that bring it to the least (Lifeguard: K = 3).
    @Limited(1...8) public var suspicionConfirmations = 3
    /// The worst that our own health can be (Lifeguard: 8): timeouts are five times as long then, rounds three times.
    @Limited(0...32) public var maximumHealthPenalty = 8
    /// Seconds after a suspicion or a verdict during which rounds carry it too, and for which a doubt lasts.
    @Limited(0...3600) public var troubleSeconds = 30.0
    /// Suspicions and verdicts that a round carries, the latest first.
    @Limited(0...32) public var troubleClaims = 16
    /// Least seconds between two refutations of suspicions against us.
    @Limited(0...60) public var refutationSeconds = 2.0
    /// Evidence in bits before a node is held unreachable: each own try that failed counts log2(1/loss), loss being what of such
    /// tries fails with peers that live; another's finding counts as one try.
    @Limited(1...100) public var evidenceBits = 17.0
    /// As many where a failure says less than two bits: own tries alone count there, and there are many more occasions to err.
    @Limited(1...100) public var lossyEvidenceBits = 30.0
    /// Seconds between two tries of suspected nodes, as a part of the period; half of it on a network that loses much.
    @Limited(0.1...4) public var suspectTryPeriods = 0.5
    /// Bits of our own that are needed where another node has come to its verdict already.
    @Limited(1...100) public var ownEvidenceBits = 4.0
    /// How many times longer a node is waited for that was held for dead wrongly before; each such time counts one more.
    @Limited(1...32) public var mostPatience = 8.0
    /// Seconds in which one such time is forgotten.
    @Limited(1...86_400) public var patienceSeconds = 60.0
    /// Share of our small exchanges that fails from which on the network counts as one that loses much.
    @Limited(0...1) public var lossyShare = 0.2
    /// Tries a second that a mesh lets loose on one node when it hears that it is gone: all look for themselves, but not all at once.
    @Limited(1...10_000) public var triesPerSecond = 100.0
    /// False accusations, first hand, after which a peer's are not listened to until it is forgiven.
    @Limited(1...1000) public var falseClaims = 6.0
    /// Suspected nodes tried at once.
    @Limited(1...64) public var suspectTries = 12
    /// Penalty points from which a peer is greylisted: nothing of what it says counts. A forged record is 5.
    @Limited(1...1000) public var greylistScore = 20.0
    /// Seconds in which one penalty point is forgiven.
    @Limited(1...3600) public var forgivenessSeconds = 30.0
    /// Seconds of being unreachable after which a node is dead: it then needs a new generation to return.
    @Limited(1...604_800) public var deadAfterSeconds = 1800.0
    /// Seconds that the dead and left stay in the view.
    @Limited(1...604_800) public var forgetAfterSeconds = 3600.0
    /// Seconds that an unreachable or dead node stays in the view when its catalog offers its endpoints to others meanwhile.
    @Limited(1...604_800) public var offerKeptSeconds = 86_400.0
    /// Peers from which on we doubt ourselves when more than half look dead.
    @Limited(2...4096) public var doubtPeers = 5
    /// Seconds for which doubt may hold verdicts back.
    @Limited(0...3600) public var doubtSeconds = 60.0
    /// A wake-up later than this means that this process stood still.
    @Limited(0.5...3600) public var pauseSeconds = 5.0

    // Limits

    /// Seconds a record may be ahead of our clock (DESIGN.md §5).
    @Limited(0...86_400) public var futureLeewaySeconds = 300
    /// Bytes of one signed record.
    @Limited(1024...65_536) public var maximumRecordBytes = 65_536
    /// Bytes of all records in one message. A single larger record still goes, alone.
    @Limited(1024...524_288) public var deltaBytes = 65_536
    /// Records in one message, and so in one exchange.
    @Limited(1...256) public var deltaRecords = 256
    /// Rounds that follow one another at once, with anyone, to catch up.
    @Limited(0...64) public var catchUpRounds = 16
    /// Nodes held.
    @Limited(2...4096) public var maximumNodes = 4096
    /// Graves held. Each lasts until the certificate of the buried record ends, after which that record is refused anyway.
    @Limited(16...65_536) public var maximumTombstones = 4096
    /// Exchanges under way that we began.
    @Limited(4...4096) public var maximumPendingExchanges = 256
}

extension Settings {
    /// Bytes of TLS payload that a request takes.
    public func requestBytes(_ message: Message) -> Int { message.encodedByteCount + requestOverheadBytes }

    /// Bytes of TLS payload that an answer takes.
    public func answerBytes(_ message: Message) -> Int {
        message.isBareAcknowledgement ? acknowledgementBytes : message.encodedByteCount + answerOverheadBytes
    }
}
