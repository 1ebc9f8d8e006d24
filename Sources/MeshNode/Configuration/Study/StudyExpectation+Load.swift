import Simulation

extension StudyExpectation {
    /// - Parameter study: read up to what it expects.
    static func decode(_ fields: ConfigurationFields, of study: RoutingStudy) -> StudyExpectation {
        let placement = placement(fields["of"], study)
        let view = view(fields["view"], study)
        var against: Subject?
        if fields["against"].isPresent || fields["againstView"].isPresent {
            let other = fields["against"].isPresent ? Self.placement(fields["against"], study) : placement
            against = Subject(other, view: fields["againstView"].isPresent ? Self.view(fields["againstView"], study) : view)
        }
        return StudyExpectation(
            fields["measure"].enumeration(StudyMeasure.self) ?? .waitMean, of: Subject(placement, view: view),
            against: against, bound(fields))
    }

    private static func bound(_ fields: ConfigurationFields) -> Bound {
        let (most, least) = (fields["atMost"], fields["atLeast"])
        if most.isPresent == least.isPresent {
            let found = most.isPresent ? "atMost and atLeast" : "neither atMost nor atLeast"
            fields.cursor.fail("found \(found); allowed: one of them")
            return .atMost(0)
        }
        return most.isPresent ? .atMost(most.number(in: 0...1e12)) : .atLeast(least.number(in: 0...1e12))
    }

    private static func placement(_ cursor: ConfigurationCursor, _ study: RoutingStudy) -> RoutingStudy.Placement {
        guard let placement = cursor.enumeration(RoutingStudy.Placement.self) else { return .best }
        if !study.placements.contains(placement) {
            let names = study.placements.map(\.rawValue).joined(separator: ", ")
            cursor.fail("found \(cursor.found), which is not among the study's placements; allowed: \(names)")
        }
        return placement
    }

    /// Left out, the first of them.
    private static func view(_ cursor: ConfigurationCursor, _ study: RoutingStudy) -> Double {
        let first = study.views.first ?? 0
        guard cursor.isPresent else { return first }
        guard case .number(let number) = cursor.value?.content, study.views.contains(number.value) else {
            let views = study.views.map(ConfigurationCursor.text).joined(separator: ", ")
            cursor.refuse(allowed: "one of the study's views: \(views)")
            return first
        }
        return number.value
    }
}
