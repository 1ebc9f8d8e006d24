import FoundationEssentials
import Gossip
import Routing
import Testing
import Trust

/// A federation's authority with two nodes, and a stranger's that claims the same name.
struct World: Sendable {
    struct Member: Sendable {
        let id: NodeID
        let key: PrivateKey
        let certificate: Certificate
    }

    static let shared = Result { try World() }
    static let now: UInt64 = 2_000_000_000

    let entry: Member
    let other: Member

    init() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/identity-\(UInt64.random(in: 0 ... .max))"
        try SecretFile.makeDirectory(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let authority = try FederationAuthority.create(federation: "tests", directory: folder, validDays: 1)
        func member(_ site: String) throws -> Member {
            let key = try PrivateKey.generate()
            let certificate = try authority.issue(
                id: try SPIFFEID(federation: "tests", site: site, node: "n1"), key: key, dnsNames: ["localhost"],
                addresses: ["127.0.0.1"], validSeconds: 3600)
            return Member(id: NodeID(site: site, node: "n1"), key: key, certificate: certificate)
        }
        entry = try member("alpha")
        other = try member("gamma")
    }

    func asserter(_ member: Member? = nil, federation: String = "tests") -> IdentityAsserter {
        let member = member ?? entry
        return IdentityAsserter(me: member.id, federation: federation, key: member.key, certificate: member.certificate)
    }

    /// Checks as a node of the site `beta`, which knows both nodes' certificates.
    func verifier(
        site: String = "beta", narrowing: [String: [String]] = [:], counters: RoutingCounters = RoutingCounters(),
        vouches: @escaping @Sendable (NodeID) -> [String]? = { _ in ["*"] }
    ) -> IdentityVerifier {
        let known = [entry.id: entry.certificate, other.id: other.certificate]
        return IdentityVerifier(
            site: site, federation: "tests", vouches: vouches, narrowing: narrowing, counters: counters
        ) { node, _ in known[node] }
    }

    /// A statement of the entry node's key with whatever payload.
    func signed(_ payload: String, type: String = IdentityLimits.type) throws -> [UInt8] {
        try JWS.sign(
            payload: Array(payload.utf8), type: type, key: entry.key, keyID: Digest.hex(entry.certificate.thumbprint))
    }
}

private let alice = UserIdentity(
    subject: "9c8f", username: "alice@anl.gov", identityProvider: "idp-1", domain: "anl.gov", groups: ["g1", "g2"],
    policies: ["p1"], authenticatedAt: World.now - 60)

func verify(
    _ token: [UInt8], _ verifier: IdentityVerifier, from peer: NodeID, at now: UInt64 = World.now
) -> Result<UserIdentity, IdentityRefusal> {
    token.withUnsafeBytes { bytes in
        do throws(IdentityRefusal) {
            return .success(try verifier.verify(bytes, from: peer, nowSeconds: now).identity)
        } catch { return .failure(error) }
    }
}

@Test func aStatementSaysWhoTheUserIs() throws {
    let world = try World.shared.get()
    let token = try #require(world.asserter().assertion(of: alice, for: "beta", rules: [], nowSeconds: World.now))
    let verifier = world.verifier()
    for _ in 0..<2 { #expect(verify(token, verifier, from: world.entry.id) == .success(alice)) }
}

@Test func aStatementIsMadeOnceAMinuteForAUserAndSite() throws {
    let world = try World.shared.get()
    let asserter = world.asserter()
    func made(_ user: UserIdentity, _ site: String, _ after: UInt64) throws -> [UInt8] {
        try #require(asserter.assertion(of: user, for: site, rules: [], nowSeconds: World.now + after))
    }
    let first = try made(alice, "beta", 0)
    #expect(try made(alice, "beta", 50) == first)
    #expect(try made(alice, "gamma", 0) != first)
    // Renewed before it ends, and when the user's groups change.
    #expect(try made(alice, "beta", 51) != first)
    var left = alice
    left.groups = ["g1"]
    let changed = try made(left, "beta", 0)
    #expect(verify(changed, world.verifier(), from: world.entry.id) == .success(left))
}

/// A node renews its certificate: what it said under the old key holds on, and it says no more under it.
@Test func aRenewedKeySignsAnewAndTheOldWordHolds() throws {
    let world = try World.shared.get()
    let (old, new) = (world.entry, world.other)
    let keys = [
        IdentityKey(key: old.key, certificate: old.certificate), IdentityKey(key: new.key, certificate: new.certificate),
    ]
    let asserter = IdentityAsserter(me: old.id, federation: "tests") { link in keys.first { $0.keyID == link } ?? keys[1] }
    func made(_ link: String) throws -> [UInt8] {
        try #require(asserter.assertion(of: alice, for: "beta", rules: [], nowSeconds: World.now, link: link))
    }
    let (before, after) = (try made(keys[0].keyID), try made(keys[1].keyID))
    #expect(before != after)
    #expect(try made("") == after, "the key in force where the link names none")
    #expect(try made(keys[0].keyID) == before, "each once a minute")
    let proven = Dictionary(uniqueKeysWithValues: zip(keys.map(\.keyID), [old.certificate, new.certificate]))
    let knowsBoth = IdentityVerifier(site: "beta", federation: "tests", vouches: { _ in ["*"] }) { _, keyID in proven[keyID]
    }
    for token in [before, after] { #expect(verify(token, knowsBoth, from: old.id) == .success(alice)) }
    let knowsOld = IdentityVerifier(site: "beta", federation: "tests", vouches: { _ in ["*"] }) { _, keyID in
        keyID == keys[0].keyID ? old.certificate : nil
    }
    #expect(verify(after, knowsOld, from: old.id) == .failure(.otherSigner))
}

struct BadStatement: Sendable, CustomTestStringConvertible {
    var name: String
    var expected: IdentityRefusal
    var site = "beta"
    var isFromOther = false
    var at = World.now
    var change: @Sendable ([UInt8]) -> [UInt8] = { $0 }
    var testDescription: String { name }
}

private let bad: [BadStatement] = [
    BadStatement(name: "for another site", expected: .otherAudience, site: "gamma"),
    BadStatement(name: "sent on by another node", expected: .otherSigner, isFromOther: true),
    BadStatement(name: "late", expected: .expired, at: World.now + 91),
    BadStatement(name: "early", expected: .notYetValid, at: World.now - 31),
    BadStatement(
        name: "altered payload", expected: .badSignature,
        change: { token in
            var token = token
            let dot = token.firstIndex(of: UInt8(ascii: ".")) ?? 0
            token[dot + 20] = token[dot + 20] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            return token
        }),
    BadStatement(name: "cut", expected: .malformed, change: { Array($0.dropLast(10)) }),
    BadStatement(name: "no token", expected: .malformed, change: { _ in Array("alice".utf8) }),
    BadStatement(name: "empty", expected: .malformed, change: { _ in [] }),
    BadStatement(
        name: "oversized", expected: .tooLarge,
        change: { $0 + Array(repeating: UInt8(ascii: "A"), count: IdentityLimits.tokenBytes) }),
]

@Test(arguments: bad) func badStatementsAreRefused(_ row: BadStatement) throws {
    let world = try World.shared.get()
    let token = try #require(world.asserter().assertion(of: alice, for: "beta", rules: [], nowSeconds: World.now))
    let peer = row.isFromOther ? world.other.id : world.entry.id
    let verifier = world.verifier(site: row.site)
    // Also once the good one is remembered.
    for attempt in 0..<2 {
        #expect(verify(row.change(token), verifier, from: peer, at: row.at) == .failure(row.expected), "\(attempt)")
        if row.site == "beta" { #expect(verify(token, verifier, from: world.entry.id) == .success(alice)) }
    }
}

@Test func clocksMayBeHalfAMinuteApart() throws {
    let world = try World.shared.get()
    let token = try #require(world.asserter().assertion(of: alice, for: "beta", rules: [], nowSeconds: World.now))
    for now in [World.now - 30, World.now + 90] {
        #expect(verify(token, world.verifier(), from: world.entry.id, at: now) == .success(alice))
    }
}

@Test(arguments: [
    // A life longer than may be, another federation, another issuer, a kind of its own, too many groups, nobody.
    (
        #""iss":"alpha/n1","aud":"beta","federation":"tests","iat":2000000000,"exp":2000000061"#, #"[]"#, "s",
        IdentityRefusal.malformed
    ),
    (#""iss":"alpha/n1","aud":"beta","federation":"other","iat":2000000000,"exp":2000000060"#, #"[]"#, "s", .otherSigner),
    (#""iss":"gamma/n1","aud":"beta","federation":"tests","iat":2000000000,"exp":2000000060"#, #"[]"#, "s", .otherSigner),
    (#""iss":"alpha/n1","aud":"beta","federation":"tests","iat":2000000000,"exp":1"#, #"[]"#, "s", .malformed),
    (#""iss":"alpha/n1","aud":"beta","federation":"tests","iat":2000000000,"exp":2000000060"#, #"[]"#, "", .malformed),
    (
        #""iss":"alpha/n1","aud":"beta","federation":"tests","iat":2000000000,"exp":2000000060"#,
        "[\(Array(repeating: #""g""#, count: 501).joined(separator: ","))]", "s", .malformed
    ),
    (#""iss":"alpha/n1""#, #"[]"#, "s", .malformed),
])
func aNodeCannotSayMoreThanItMay(_ claims: String, _ groups: String, _ subject: String, _ expected: IdentityRefusal) throws {
    let world = try World.shared.get()
    let user = #"{"subject":"\#(subject)","username":"u","groups":\#(groups),"policies":[],"isServiceAccount":false}"#
    let token = try world.signed("{\(claims),\"user\":\(user)}")
    #expect(verify(token, world.verifier(), from: world.entry.id) == .failure(expected))
}

@Test func anotherKindOfStatementIsNone() throws {
    let world = try World.shared.get()
    let user = #"{"subject":"s","username":"u","groups":[],"policies":[],"isServiceAccount":false}"#
    let claims = #""iss":"alpha/n1","aud":"beta","federation":"tests","iat":2000000000,"exp":2000000060"#
    let good = try world.signed("{\(claims),\"user\":\(user)}")
    #expect((try? verify(good, world.verifier(), from: world.entry.id).get()) != nil)
    let record = try world.signed("{\(claims),\"user\":\(user)}", type: "meshnode-record+jws")
    #expect(verify(record, world.verifier(), from: world.entry.id) == .failure(.malformed))
}

@Test func aNodeThatIsNotKnownIsNotBelieved() throws {
    let world = try World.shared.get()
    let token = try #require(world.asserter().assertion(of: alice, for: "beta", rules: [], nowSeconds: World.now))
    let verifier = IdentityVerifier(site: "beta", federation: "tests", vouches: { _ in ["*"] }) { _, _ in nil }
    #expect(verify(token, verifier, from: world.entry.id) == .failure(.otherSigner))
}

@Test func ofManyGroupsOnlyThoseThatAreAskedForAreTold() throws {
    let world = try World.shared.get()
    var user = alice
    user.groups = (0...IdentityLimits.groups).map { "00000000-0000-0000-0000-\(100_000_000_000 + $0)" }
    let rules = [NamedRule(name: "site beta", rule: AccessRule(groups: [user.groups[7], "another"]))]
    let asserter = world.asserter()
    let token = try #require(asserter.assertion(of: user, for: "beta", rules: rules, nowSeconds: World.now))
    let told = try verify(token, world.verifier(), from: world.entry.id).get()
    #expect(told.groups == [user.groups[7]])
    // Other rules, other groups: not the statement kept for the first.
    let other = try #require(asserter.assertion(of: user, for: "beta", rules: [], nowSeconds: World.now))
    #expect(try verify(other, world.verifier(), from: world.entry.id).get().groups == [])
    user.groups.removeLast()
    let whole = try #require(asserter.assertion(of: user, for: "beta", rules: [], nowSeconds: World.now))
    #expect(whole.count <= IdentityLimits.tokenBytes)
    #expect(try verify(whole, world.verifier(), from: world.entry.id).get().groups.count == IdentityLimits.groups)
}
