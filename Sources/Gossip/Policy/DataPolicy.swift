/// What a site says of its users' data, and of the data that its models take: the same at the entry and at the serving site, each of
/// which holds to its own. What is not known is not allowed.
public struct DataPolicy: Sendable, Hashable {
    /// Where the data of some users may go.
    public struct Residency: Sendable, Hashable {
        /// Whom it binds; an empty rule binds everyone.
        public var users: AccessRule
        public var sites: [String]

        public init(users: AccessRule, sites: [String]) {
            self.users = users
            self.sites = sites
        }
    }

    /// A class that all data of some users has, whatever they say.
    public struct Assumed: Sendable, Hashable {
        public var users: AccessRule
        public var dataClass: String

        public init(users: AccessRule, dataClass: String) {
            self.users = users
            self.dataClass = dataClass
        }
    }

    public var classes: [DataClass]
    public var residency: [Residency]
    public var assumed: [Assumed]

    /// Rules of each kind that a site may have.
    public static let rulesAllowed = 64

    public init(classes: [DataClass] = [], residency: [Residency] = [], assumed: [Assumed] = []) {
        self.classes = classes
        self.residency = residency
        self.assumed = assumed
    }

    public static let none = DataPolicy()

    public subscript(name: String) -> DataClass? { classes.first { $0.name == name } }

    /// What a request's data asks of the place where it runs.
    ///
    /// - Parameters:
    ///   - asked: the classes that the request bears; they can only narrow.
    ///   - user: nil for one of whom nothing is known, whom every rule binds.
    /// - Throws: for a class that is not known here.
    public func demands(
        of user: UserIdentity?, asked: [String], nowSeconds: UInt64
    ) throws(UnknownDataClass) -> DataDemands {
        if self == .none, asked.isEmpty { return .none }
        func binds(_ rule: AccessRule) -> Bool {
            guard let user else { return true }
            return rule.isEmpty || rule.refusal(of: user, rule: "", nowSeconds: nowSeconds) == nil
        }
        var demands = DataDemands.none
        for name in asked + assumed.filter({ binds($0.users) }).map(\.dataClass) where !demands.classes.contains(name) {
            guard let known = self[name] else { throw UnknownDataClass(name: name, known: classes.map(\.name)) }
            demands.add(known)
        }
        for rule in residency where binds(rule.users) { demands.stay(at: rule.sites) }
        return demands
    }

    /// What a serving site asks of its own model for classes that another node tells; a class that it does not know is accepted by no
    /// model here.
    public func demands(told classes: [String]) -> DataDemands {
        var demands = DataDemands.none
        for name in classes { demands.add(self[name] ?? DataClass(name: name, paths: [])) }
        return demands
    }
}

/// A class that a request bears and this node does not know.
public struct UnknownDataClass: Error, Sendable, Hashable, CustomStringConvertible {
    public var name: String
    public var known: [String]

    public init(name: String, known: [String]) {
        self.name = name
        self.known = known
    }

    public var description: String {
        known.isEmpty
            ? "this node knows no data classes, so it cannot keep data of the class \(name) where it belongs"
            : "the data class \(name) is not known here; known are \(known.sorted().joined(separator: ", "))"
    }
}
