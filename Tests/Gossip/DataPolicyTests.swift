import Gossip
import Testing

private let policy = DataPolicy(
    classes: [
        DataClass(name: "phi", paths: [.onSite]), DataClass(name: "export-controlled", paths: [.onSite, .peer]),
        DataClass(name: "cloud", paths: [.globusCloud, .onSite, .peer]),
    ],
    residency: [
        DataPolicy.Residency(users: AccessRule(domains: ["anl.gov"]), sites: ["alpha", "beta"]),
        DataPolicy.Residency(users: AccessRule(groups: ["g1"]), sites: ["alpha"]),
    ],
    assumed: [DataPolicy.Assumed(users: AccessRule(groups: ["clinic"]), dataClass: "phi")])

private func user(_ domain: String? = "uchicago.edu", groups: [String] = []) -> UserIdentity {
    UserIdentity(subject: "s", username: "u@\(domain ?? "")", domain: domain, groups: groups)
}

private func variant(_ classes: [String], _ path: DataPath?) -> Variant {
    Variant(id: "m", state: .running, backend: "openai", dataClasses: classes, path: path)
}

struct Journey: Sendable, CustomTestStringConvertible {
    var classes: [String]
    var accepts: [String]
    var path: DataPath?
    var isAway: Bool
    var expected: DataRefusal?
    var testDescription: String { "\(classes) to \(accepts) by \(path?.rawValue ?? "?"), away: \(isAway)" }

    init(_ classes: [String], _ accepts: [String], _ path: DataPath?, away: Bool = false, _ expected: DataRefusal?) {
        self.classes = classes
        self.accepts = accepts
        self.path = path
        isAway = away
        self.expected = expected
    }
}

private let all = ["phi", "export-controlled", "cloud"]
private let journeys: [Journey] = [
    Journey([], [], .globusCloud, away: true, nil),
    Journey([], [], nil, away: true, nil),
    Journey(["phi"], all, .onSite, nil),
    Journey(["phi"], [], .onSite, .classNotAccepted("phi")),
    Journey(["phi"], all, .onSite, away: true, .path(.peer, ["phi"])),
    Journey(["phi"], all, .globusCloud, .path(.globusCloud, ["phi"])),
    Journey(["phi"], all, nil, .pathUnknown(["phi"])),
    Journey(["phi"], all, .peer, .path(.peer, ["phi"])),
    Journey(["export-controlled"], all, .onSite, away: true, nil),
    Journey(["export-controlled"], all, .globusCloud, away: true, .path(.globusCloud, ["export-controlled"])),
    Journey(["cloud"], all, .globusCloud, away: true, nil),
    // Each label must be accepted, and allow the way.
    Journey(["cloud", "phi"], ["cloud"], .onSite, .classNotAccepted("phi")),
    Journey(["cloud", "phi"], all, .globusCloud, .path(.globusCloud, ["cloud", "phi"])),
    Journey(["cloud", "phi"], all, .onSite, nil),
]

@Test(arguments: journeys) func dataGoesWhereItsClassesAllow(_ journey: Journey) throws {
    let model = variant(journey.accepts, journey.path)
    let demands = try policy.demands(of: user(), asked: journey.classes, nowSeconds: 1)
    #expect(demands.refusal(by: model, at: "gamma", isAway: journey.isAway) == journey.expected)
    // The serving site comes to the same by what it is told.
    #expect(
        policy.demands(told: journey.classes).refusal(by: model, at: "gamma", isAway: journey.isAway) == journey.expected)
}

@Test func aClassThatIsNotKnownIsAnError() {
    #expect(throws: UnknownDataClass(name: "secret", known: all)) {
        try policy.demands(of: user(), asked: ["phi", "secret"], nowSeconds: 1)
    }
    #expect(throws: UnknownDataClass(name: "phi", known: [])) {
        try DataPolicy.none.demands(of: user(), asked: ["phi"], nowSeconds: 1)
    }
}

/// A peer may tell any label: what this site does not know its models do not take, whatever their catalog says.
@Test func aServingSiteRefusesClassesThatItDoesNotKnow() {
    let told = policy.demands(told: ["secret"])
    #expect(told.refusal(by: variant([], .onSite), at: "beta", isAway: true) == .classNotAccepted("secret"))
    #expect(told.refusal(by: variant(["secret"], .onSite), at: "beta", isAway: false) == .path(.onSite, ["secret"]))
}

@Test func usersDataStaysWhereTheirSiteLetsItGo() throws {
    func refusal(_ user: UserIdentity?, at site: String) throws -> DataRefusal? {
        try policy.demands(of: user, asked: [], nowSeconds: 1).refusal(by: variant([], .onSite), at: site, isAway: true)
    }
    #expect(try refusal(user(), at: "gamma") == nil)
    #expect(try refusal(user("anl.gov"), at: "beta") == nil)
    #expect(try refusal(user("anl.gov"), at: "gamma") == .residency(["alpha", "beta"]))
    // Every rule that binds a user holds.
    #expect(try refusal(user("anl.gov", groups: ["g1"]), at: "beta") == .residency(["alpha"]))
    // Of whom nothing is known every rule binds.
    #expect(try refusal(nil, at: "beta") != nil)
}

@Test func someUsersDataHasAClassWhateverTheySay() throws {
    let demands = try policy.demands(of: user(groups: ["clinic"]), asked: ["cloud"], nowSeconds: 1)
    #expect(demands.classes == ["cloud", "phi"])
    #expect(demands.paths == [.onSite])
    #expect(try policy.demands(of: user(groups: ["clinic"]), asked: ["phi"], nowSeconds: 1).classes == ["phi"])
    #expect(try policy.demands(of: user(), asked: [], nowSeconds: 1).isEmpty)
}
