import Simulation

extension Workload {
    /// A shape's name, or an object that changes some of a shape.
    static func decode(_ cursor: ConfigurationCursor) -> Workload {
        guard case .object = cursor.value?.content else {
            return Workload(cursor.enumeration(Shape.self) ?? .azureConversation)
        }
        return cursor.object { fields in
            var workload = Workload(fields["shape"].enumeration(Shape.self) ?? .azureConversation)
            if fields["bursts"].isPresent { workload.bursts = Bursts.decode(fields["bursts"]) }
            if fields["prefixes"].isPresent { workload.prefixes = Prefixes.decode(fields["prefixes"]) }
            return workload
        }
    }
}

extension Workload.Bursts {
    static func decode(_ cursor: ConfigurationCursor) -> Workload.Bursts {
        cursor.object { fields in
            Workload.Bursts(
                onSeconds: fields["onSeconds"].number(in: 0.01...1e6, unit: "seconds"),
                offSeconds: fields["offSeconds"].number(in: 0...1e6, unit: "seconds"))
        }
    }
}

extension Workload.Prefixes {
    static func decode(_ cursor: ConfigurationCursor) -> Workload.Prefixes {
        cursor.object { fields in
            Workload.Prefixes(
                share: fields["share"].number(in: 0...1), part: fields["part"].span(in: 0...1, default: 0...1),
                conversations: fields["conversations"].integer(in: 1...1_000_000))
        }
    }
}
