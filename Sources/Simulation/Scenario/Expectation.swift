public import Gossip

/// What must hold, or the run fails. Times are virtual; a `mark` is the name of a step's moment, nil the beginning.
public struct Expectation: Sendable, Equatable {
    public var kind: Kind

    public init(_ kind: Kind) { self.kind = kind }

    public enum Kind: Sendable, Equatable {
        /// All running nodes that have not left have equal views, within so long, and at the end.
        case converged(after: String?, withinSeconds: Double)
        /// What was published at `mark` is held by this share of the running nodes.
        case seen(mark: String, share: Double, withinSeconds: Double)
        /// This share of the running nodes hold the group's members to be in one of the states.
        case detected(group: String, states: [NodeState], share: Double, after: String?, withinSeconds: Double)
        /// At the end all running nodes outside the group hold its members to be in one of the states.
        case atEnd(group: String, states: [NodeState])
        /// Verdicts (unreachable or dead) about running nodes that could be reached, outside the group named; nil: of all.
        case falseDeaths(atMost: Int, outside: String?, from: String?, to: String?)
        /// TLS payload and handshakes sent a node and second, mean over the nodes of the group.
        case bytesPerSecond(group: String, from: String?, to: String?, atMost: Double)
        /// TLS payload sent by all together between the marks, without handshakes, less what an idle mesh sends in the time (as measured before it).
        case bytesFor(from: String, to: String, atMost: Double)
        case refused(cause: RecordRefusal, atLeast: Int)
        /// This share of the others holds each member of the group greylisted.
        case greylisted(group: String, share: Double)
        /// Exchanges begun a node and second by the group, mean.
        case exchangesPerSecond(group: String, from: String?, to: String?, atMost: Double)
        /// Of one node, at any time: bytes of signed records held.
        case recordBytes(atMost: Int)
    }
}

/// Trouble drawn from the seed: a list of steps is made from it before the run, so that a failing seed can be shrunk.
public struct ChaosModel: Sendable, Equatable {
    /// Name of the moment at which trouble ends and all is mended.
    public static let peace = "peace"

    /// From when to when trouble is made; after it everything is mended and there is peace.
    public var fromSeconds: Double
    public var toSeconds: Double
    /// Troubles in that time.
    public var count: Int

    public init(fromSeconds: Double, toSeconds: Double, count: Int) {
        self.fromSeconds = fromSeconds
        self.toSeconds = toSeconds
        self.count = count
    }
}
