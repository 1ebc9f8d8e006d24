/// What all ways to choose of a study have come to, each the mean over the seeds.
public struct StudyTable: Sendable, Equatable {
    public struct Row: Sendable, Equatable {
        public var placement: RoutingStudy.Placement
        /// nil where it is the same for all views.
        public var view: Double?
        public var figures: [StudyMeasure: Double]

        public subscript(measure: StudyMeasure) -> Double { figures[measure] ?? 0 }
    }

    /// An expectation, and what it came to.
    public struct Verdict: Sendable, Equatable {
        public var expectation: StudyExpectation
        public var measured: Double
        public var isHeld: Bool
    }

    public let study: RoutingStudy
    public let rows: [Row]

    /// - Parameter outcomes: of each of the study's runs, by seed.
    public init(_ study: RoutingStudy, _ outcomes: [[StudyOutcome]]) {
        self.study = study
        rows = zip(study.runs, outcomes).map { run, outcomes in
            var figures: [StudyMeasure: Double] = [:]
            for measure in StudyMeasure.allCases {
                figures[measure] = outcomes.reduce(0) { $0 + $1[measure] } / Double(max(outcomes.count, 1))
            }
            return Row(placement: run.placement, view: run.view, figures: figures)
        }
    }

    public func row(_ subject: StudyExpectation.Subject) -> Row? {
        rows.first { $0.placement == subject.placement && ($0.view == nil || $0.view == subject.view) }
    }

    public var verdicts: [Verdict] {
        study.expectations.map { expectation in
            guard let of = row(expectation.of)?[expectation.measure] else {
                return Verdict(expectation: expectation, measured: .nan, isHeld: false)
            }
            var measured = of
            if let against = expectation.against {
                measured = row(against).map { Self.ratio(of, $0[expectation.measure]) } ?? .nan
            }
            return Verdict(expectation: expectation, measured: measured, isHeld: expectation.bound.holds(measured))
        }
    }

    /// Nothing is once nothing.
    public static func ratio(_ value: Double, _ base: Double) -> Double { value == base ? 1 : value / base }
}

extension RoutingStudy {
    /// A row of the table: a way to choose, at an age of the views where it depends on that.
    public struct Run: Sendable, Equatable {
        public var placement: Placement
        public var view: Double?
    }

    public var runs: [Run] {
        placements.flatMap { placement in
            placement.dependsOnViews
                ? views.map { Run(placement: placement, view: $0) } : [Run(placement: placement, view: nil)]
        }
    }

    public func run(_ run: Run, seed: UInt64) -> StudyOutcome {
        self.run(run.placement, view: run.view ?? views[0], seed: seed)
    }
}
