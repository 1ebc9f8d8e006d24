import Simulation

extension RoutingStudy {
    /// As many as a model may have candidates.
    static let sitesAllowed = 64
    static let viewsAllowed = 8
    static let expectationsAllowed = 64

    static func decode(_ fields: ConfigurationFields) -> RoutingStudy {
        var study = RoutingStudy(
            name: fields["study"].label(),
            description: fields["description"].string(length: 1...4096),
            sites: fields["sites"].list(atLeast: 1, atMost: sitesAllowed, Sites.decode),
            workload: Workload.decode(fields["workload"]),
            load: fields["load"].number(in: 0.01...10),
            views: views(fields["views"]))
        let count = study.sites.reduce(0) { $0 + $1.count }
        if count > sitesAllowed {
            fields["sites"].fail("found \(count) sites; allowed: \(sitesAllowed) in all")
        }
        study.seeds = fields["seeds"].integer(in: 1...1000, default: study.seeds)
        study.skew = fields["skew"].number(in: 0...4, default: study.skew)
        study.roundTripSeconds = fields["roundTripSeconds"].span(
            in: 0...10, unit: "seconds", default: study.roundTripSeconds)
        study.viewDelaySeconds = fields["viewDelaySeconds"].duration(in: 0...3600, default: study.viewDelaySeconds)
        study.requests = fields["requests"].integer(in: 100...2_000_000, default: study.requests)
        study.deaths = fields["deaths"].optional(Deaths.decode)
        study.walltimes = fields["walltimes"].optional(Walltimes.decode)
        if fields["placements"].isPresent { study.placements = placements(fields["placements"]) }
        study.expectations = fields["expect"].list(atLeast: 1, atMost: expectationsAllowed) { item in
            item.object { StudyExpectation.decode($0, of: study) }
        }
        return study
    }

    private static func views(_ cursor: ConfigurationCursor) -> [Double] {
        let names = UniqueNames()
        return cursor.list(atLeast: 1, atMost: viewsAllowed) { item in
            let seconds = item.number(in: 0.1...86_400, unit: "seconds")
            names.claim("\(seconds)", by: item)
            return seconds
        }
    }

    private static func placements(_ cursor: ConfigurationCursor) -> [Placement] {
        let names = UniqueNames()
        let listed = cursor.list(atLeast: 1, atMost: Placement.allCases.count) { item in
            let placement = item.enumeration(Placement.self)
            if let placement { names.claim(placement.rawValue, by: item) }
            return placement ?? .best
        }
        // The table has them in one order.
        return Placement.allCases.filter { listed.contains($0) }
    }
}

extension RoutingStudy.Sites {
    static func decode(_ cursor: ConfigurationCursor) -> RoutingStudy.Sites {
        cursor.object { fields in
            var sites = RoutingStudy.Sites(count: fields["count"].integer(in: 1...RoutingStudy.sitesAllowed))
            sites.slots = fields["slots"].span(in: 1...10_000, default: sites.slots)
            sites.tokenSeconds = fields["tokenSeconds"].span(in: 1e-5...10, unit: "seconds", default: sites.tokenSeconds)
            sites.prefillTokensPerSecond = fields["prefillTokensPerSecond"].span(
                in: 1...1e9, default: sites.prefillTokensPerSecond)
            sites.slowdown = fields["slowdown"].number(in: 0...100, default: sites.slowdown)
            sites.cacheTokens = fields["cacheTokens"].number(in: 0...1e12, default: sites.cacheTokens)
            return sites
        }
    }
}

extension RoutingStudy.Deaths {
    static func decode(_ cursor: ConfigurationCursor) -> RoutingStudy.Deaths {
        cursor.object { fields in
            var deaths = RoutingStudy.Deaths(
                share: fields["share"].number(in: 0...0.9),
                atSeconds: fields["atSeconds"].number(in: 0...1e7, unit: "seconds"))
            deaths.withinSeconds = fields["withinSeconds"].duration(in: 0...1e7, default: deaths.withinSeconds)
            deaths.noticedAfterSeconds = fields["noticedAfterSeconds"].duration(
                in: 0...3600, default: deaths.noticedAfterSeconds)
            deaths.knownAfterSeconds = fields["knownAfterSeconds"].duration(in: 0...1e7, default: deaths.knownAfterSeconds)
            return deaths
        }
    }
}

extension RoutingStudy.Walltimes {
    static func decode(_ cursor: ConfigurationCursor) -> RoutingStudy.Walltimes {
        cursor.object { fields in
            RoutingStudy.Walltimes(
                jobSeconds: fields["jobSeconds"].requiredSpan(in: 10...1e7),
                startSeconds: fields["startSeconds"].requiredSpan(in: 0...1e7),
                drainSeconds: fields["drainSeconds"].duration(in: 0...1e7, default: 0))
        }
    }
}

extension ConfigurationCursor {
    /// Two numbers of seconds that must be there.
    fileprivate func requiredSpan(in allowed: ClosedRange<Double>) -> ClosedRange<Double> {
        guard isPresent else {
            refuse(allowed: "[least, most], two numbers of seconds")
            return allowed
        }
        return span(in: allowed, unit: "seconds", default: allowed)
    }
}
