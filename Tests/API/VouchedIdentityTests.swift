import FoundationEssentials
import Gossip
import Routing
import Synchronization
import Testing

private let alice = UserIdentity(
    subject: "9c8f", username: "alice@anl.gov", identityProvider: "idp-1", domain: "anl.gov", groups: ["g1"])

/// An admission as the operator changes it.
private final class Admissions: Sendable {
    let domains: Mutex<[String]?>
    init(_ domains: [String]?) { self.domains = Mutex(domains) }
    func set(_ next: [String]?) { domains.withLock { $0 = next } }
    var now: [String]? { domains.withLock { $0 } }
}

@Test func aSiteIsNotBelievedForForeignUsers() throws {
    let world = try World.shared.get()
    let token = try #require(world.asserter().assertion(of: alice, for: "beta", rules: [], nowSeconds: World.now))
    let refused = verify(token, world.verifier(vouches: { _ in ["uchicago.edu"] }), from: world.entry.id)
    #expect(refused == .failure(.notVouched(VouchingRefusal(site: "alpha", reason: .domain("anl.gov")))))
    if case .failure(let refusal) = refused {
        #expect(refusal.code == "identity_not_vouched")
    }
    let narrowed = world.verifier(narrowing: ["alpha": []], vouches: { _ in ["*"] })
    #expect(
        verify(token, narrowed, from: world.entry.id)
            == .failure(.notVouched(VouchingRefusal(site: "alpha", reason: .narrowed("anl.gov")))))
    #expect(
        verify(token, world.verifier(vouches: { _ in nil }), from: world.entry.id)
            == .failure(.notVouched(VouchingRefusal(site: "alpha", reason: .notAdmitted))))
}

@Test func whatIsRememberedIsJudgedAnewWhenTheAdmissionChanges() throws {
    let world = try World.shared.get()
    let admissions = Admissions(["anl.gov"])
    let counters = RoutingCounters()
    let verifier = world.verifier(counters: counters, vouches: { _ in admissions.now })
    let token = try #require(world.asserter().assertion(of: alice, for: "beta", rules: [], nowSeconds: World.now))
    func isBelieved() -> Bool { (try? verify(token, verifier, from: world.entry.id).get()) != nil }
    #expect(isBelieved())
    admissions.set(["uchicago.edu"])
    #expect(!isBelieved())
    admissions.set(nil)
    #expect(!isBelieved())
    admissions.set(["anl.gov"])
    #expect(isBelieved())
    // The signature was checked once for all that.
    #expect(counters.identitiesVerified.load(ordering: .relaxed) == 1)
}

@Test func aUsersRequestsCostOneSignatureAndOneVerificationASite() throws {
    let world = try World.shared.get()
    let asserter = world.asserter()
    let counters = (RoutingCounters(), RoutingCounters())
    let verifiers = [
        ("beta", world.verifier(counters: counters.0)), ("delta", world.verifier(site: "delta", counters: counters.1)),
    ]
    for request in 0..<200 {
        for (site, verifier) in verifiers {
            let now = World.now + UInt64(request) / 4
            let token = try #require(asserter.assertion(of: alice, for: site, rules: [], nowSeconds: now))
            #expect((try? verify(token, verifier, from: world.entry.id, at: now).get()) != nil)
        }
    }
    #expect(asserter.signatures == 2)
    #expect(counters.0.identitiesVerified.load(ordering: .relaxed) == 1)
    #expect(counters.1.identitiesVerified.load(ordering: .relaxed) == 1)
}
