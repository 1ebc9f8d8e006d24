/// How a run went.
public struct Outcome: Sendable, Equatable {
    public var seed: UInt64
    /// Events handled.
    public var events: Int
    public var virtualSeconds: Double
    /// What broke first; nil: nothing.
    public var failure: Failure?
    public var figures: [Figure]
    /// One for each expectation, in the scenario's order.
    public var measures: [Measure]
    /// One number for everything that happened, in its order: two runs with the same are the same run.
    public var fingerprint: UInt64
}

/// What broke, and when.
public struct Failure: Sendable, Equatable {
    public enum Kind: Sendable, Hashable {
        /// Index of an expectation.
        case expectation(Int)
        /// A dead generation came back.
        case ghost
        /// A view shows what its origin never signed.
        case forged
        /// A version went back.
        case wentBack
        /// A limit was passed.
        case cap
        /// A message is not what was written.
        case codec
        /// A view changed and nobody was told.
        case untold
        case timeStands
    }

    /// In which way. What fails in another way fails for another cause.
    public enum Manner: Sendable, Hashable {
        /// An invariant broke, or more or less was measured than may be.
        case beyond
        /// It came to be too late.
        case late
        /// It came to be in time and did not last.
        case passing
        /// It never came to be.
        case never
        /// Nobody was left to be asked.
        case unasked
    }

    public var kind: Kind
    public var manner = Manner.beyond
    public var text: String
    /// Index among the scenario's steps (those of chaos among them) of the last one performed; nil: none was.
    public var step: Int?
    /// Virtual time.
    public var seconds: Double
}

/// Something measured that is worth knowing.
public struct Figure: Sendable, Equatable {
    public var name: String
    public var value: Double
    public var unit: String
}

/// What was measured for one expectation.
public struct Measure: Sendable, Equatable {
    /// The expectation in words.
    public var text: String
    /// nil: it never came to be.
    public var measured: Double?
    public var aim: Double
    public var unit: String
    public var isHeld: Bool
}
