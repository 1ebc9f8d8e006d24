import Gossip

/// Something that happens at a moment.
public struct Step: Sendable, Equatable {
    /// Virtual seconds from the beginning.
    public var at: Double
    public var action: Action

    public init(at: Double, _ action: Action) {
        self.at = at
        self.action = action
    }

    /// Groups are named; `all` and every group of the scenario are known.
    public enum Action: Sendable, Equatable {
        /// Starts those that do not run, or have left.
        case start(String, disk: Disk)
        /// kill -9 (a node that has not started yet waits for a `start`): what is sent to it is refused at once. With `isSilent` nothing comes back (the machine is gone).
        case crash(String, isSilent: Bool)
        case leave(String)
        /// SIGSTOP: what comes is kept by the kernel and handled after `resume`.
        case pause(String)
        case resume(String)
        /// Takes a time drawn from the range for each message that it handles; nil: as fast as others.
        case slow(String, seconds: ClosedRange<Double>?)
        /// Its wall clock is off by so much, and runs so many parts in a million fast.
        case clock(String, offsetSeconds: Double, driftPartsPerMillion: Double)
        /// Publishes something new; `mark` names the moment for expectations.
        case publish(String, Publication, mark: String?)
        /// Catalog changes, so many seconds apart, for so long.
        case storm(String, everySeconds: Double, forSeconds: Double)
        /// Nothing passes between these groups; nodes of none of them reach all. A later one replaces it.
        case partition([String])
        /// Nothing passes from the first to the second. The way back is open for what is answered, which is how TCP never works:
        /// exchanges begun by the first fail, those begun by the second pass.
        case cut(from: String, to: String)
        /// Nothing passes to or from any node of the group, not even between them; or passes again.
        case clog(String, Bool)
        /// All that was split, cut or clogged is joined again.
        case heal
        case network(NetworkModel)
        case diskFull(String, Bool)
        /// What is on its disk is damaged, for its next start to find.
        case damageDisk(String)
        /// Its certificate is replaced by one under the federation's next root.
        case renew(String, underNewRoot: Bool)
        /// It trusts these roots from now on.
        case trust(String, oldRoot: Bool, newRoot: Bool)
        /// It runs the protocol version before this one.
        case version(String, UInt8)
        /// nil: honest from now on.
        case misbehave(String, Misbehaviour?)
        /// Names the moment.
        case mark(String)
    }

    /// What a node finds when it starts.
    public enum Disk: String, Sendable, Equatable, CaseIterable {
        /// What it last stored.
        case kept
        /// Nothing: a new machine with its old name.
        case lost
        /// What it had stored at its start before the last: restored from a copy.
        case restored
    }

    public enum Publication: String, Sendable, Equatable, CaseIterable {
        /// Another catalog of the same size.
        case catalog
        /// Draining, or no longer.
        case drain
        case load
    }

    /// What a hostile member with a valid certificate does once a second, besides taking part.
    public enum Misbehaviour: String, Sendable, Equatable, CaseIterable {
        /// Hands out records of others with contents of its own.
        case forge
        /// Hands out old records of others, and those of dead generations.
        case replay
        /// Hands out records of another federation.
        case foreign
        case oversized
        /// Signs its own records far ahead of time.
        case future
        /// Signs two different records of one version, and tells each to half of the others.
        case equivocate
        /// Says of all others that they are dead.
        case accuse
        /// Answers all with what they have asked for, but the records withheld.
        case withhold
        /// Sends as many requests as it can.
        case flood
    }
}
