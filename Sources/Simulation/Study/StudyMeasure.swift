/// What is measured of a way to choose.
public enum StudyMeasure: String, Sendable, CaseIterable {
    /// Seconds until the request ran: queue, round trips and refusals.
    case waitMean = "wait.mean"
    case waitMedian = "wait.p50"
    case waitP99 = "wait.p99"
    /// Seconds until the answer was whole.
    case completionMean = "completion.mean"
    case completionP99 = "completion.p99"
    /// A request.
    case refusals
    /// Share of the answers that another site gave.
    case away
    /// Share of the prompts' tokens that the site had in its cache.
    case cacheHits
    /// Users that were told of an error before the first byte, a run.
    case failures
    /// Answers that broke off, a run.
    case interrupted

    public var unit: String {
        switch self {
        case .waitMean, .waitMedian, .waitP99, .completionMean, .completionP99: "s"
        case .refusals, .away, .cacheHits, .failures, .interrupted: ""
        }
    }
}

/// What a study expects of a way to choose: a bound on what it measures, or on its ratio to another's.
public struct StudyExpectation: Sendable, Equatable {
    public enum Bound: Sendable, Equatable {
        case atMost(Double)
        case atLeast(Double)

        func holds(_ value: Double) -> Bool {
            switch self {
            case .atMost(let most): value <= most
            case .atLeast(let least): value >= least
            }
        }
    }

    /// One row of the table.
    public struct Subject: Sendable, Hashable {
        public var placement: RoutingStudy.Placement
        public var view: Double

        public init(_ placement: RoutingStudy.Placement, view: Double) {
            self.placement = placement
            self.view = view
        }
    }

    public var of: Subject
    public var measure: StudyMeasure
    /// What it is a multiple of; nil: the measure itself is bounded.
    public var against: Subject?
    public var bound: Bound

    public init(_ measure: StudyMeasure, of: Subject, against: Subject? = nil, _ bound: Bound) {
        self.of = of
        self.measure = measure
        self.against = against
        self.bound = bound
    }
}
