import FoundationEssentials
import Gossip
import Routing
import Storage
import Synchronization
import Testing
import Transport
import Trust

@testable import API
@testable import Routing

private let now: UInt64 = 2_000_000_000
private let day: UInt64 = 86_400
private let alice = UserIdentity(
    subject: "9c8f", username: "alice@anl.gov", domain: "anl.gov", groups: ["g1"], authenticatedAt: now - day)
private let robot = UserIdentity(staticToken: "ci")

/// A store in a folder of its own.
private final class Shop: Sendable {
    let folder: String
    let store: KeyStore
    let thread: StorageThread

    init(
        folder: String? = nil, settings: KeySettings = KeySettings(), roles: RoleRules = RoleRules(),
        hasStaticToken: @escaping @Sendable (String) -> Bool = { _ in true }
    ) throws {
        self.folder = folder ?? FileManager.default.temporaryDirectory.path + "/keys-\(UInt64.random(in: 0 ... .max))"
        try SecretFile.makeDirectory(self.folder)
        thread = StorageThread()
        try thread.start()
        store = try KeyStore(
            path: self.folder + "/keys.db", site: "argonne", settings: settings, roles: roles, thread: thread,
            nowSeconds: now, hasStaticToken: hasStaticToken, log: { _, _ in })
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    func identify(_ text: String, at time: UInt64 = now) -> Authentication {
        Array(text.utf8).withUnsafeBytes { store.identify($0, nowSeconds: time) }
    }

    /// The code of a refusal; nil for a caller.
    func code(_ text: String, at time: UInt64 = now) -> String? {
        switch identify(text, at: time) {
        case .caller: nil
        case .refused(let refusal): refusal.code
        case .unknown: "unknown"
        case .unavailable: "unavailable"
        }
    }
}

@Test func aKeyStandsForItsOwner() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let made = try await shop.store.make(KeyOrder(name: "laptop"), for: alice, nowSeconds: now)
    guard case .caller(let caller) = shop.identify(made.text) else { throw CancellationError() }
    #expect(caller.user.identity == alice)
    #expect(caller.role == .user)
    // What was seen of the owner later counts from the next use on.
    var left = alice
    left.groups = []
    shop.store.saw(left, nowSeconds: now + 1)
    guard case .caller(let later) = shop.identify(made.text, at: now + 1) else { throw CancellationError() }
    #expect(later.user.identity.groups == [])
}

@Test(arguments: [
    ("mk_argonne_0123456789ab_\(String(repeating: "A", count: 43))", "invalid_key"), ("mk_", "invalid_key"),
    ("mk_ornl_0123456789ab_secret", "key_of_other_site"), ("mk_ARGONNE_x_y", "invalid_key"), ("sk-other", "unknown"),
    ("mk_\(String(repeating: "a", count: 300))_x_y", "invalid_key"), ("", "unknown"),
])
func whatIsNoKeyIsRefused(_ text: String, _ code: String) throws {
    let shop = try Shop()
    defer { shop.remove() }
    #expect(shop.code(text) == code)
}

@Test func aKeyEndsWithItsTimeAndItsOwnersLogin() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let short = try await shop.store.make(KeyOrder(name: "s", expiresInSeconds: 60), for: alice, nowSeconds: now)
    #expect(shop.code(short.text, at: now + 59) == nil)
    #expect(shop.code(short.text, at: now + 60) == "key_expired")
    // Logged in a day ago, and to log in again after 30: 29 are left, whatever is asked for.
    let long = try await shop.store.make(KeyOrder(name: "l", expiresInSeconds: 365 * day), for: alice, nowSeconds: now)
    #expect(long.key.expiresAt == now + 29 * day)
    let program = try await shop.store.make(KeyOrder(name: "p"), for: robot, nowSeconds: now)
    #expect(program.key.expiresAt == now + 90 * day)
    for login in [nil, now - 30 * day, 0] {
        var user = alice
        user.authenticatedAt = login
        await #expect(throws: APIError.self) {
            _ = try await shop.store.make(KeyOrder(name: "x"), for: user, nowSeconds: now)
        }
    }
}

@Test(arguments: [now + 200, .max])
func aLoginOfTheFutureIsOneOfNow(_ login: UInt64) async throws {
    let shop = try Shop()
    defer { shop.remove() }
    var user = alice
    user.authenticatedAt = login
    let made = try await shop.store.make(KeyOrder(name: "x"), for: user, nowSeconds: now)
    #expect(made.key.expiresAt == now + 30 * day)
}

@Test func aKeySleepsUntilItsOwnerIsSeenAgain() async throws {
    var settings = KeySettings()
    settings.unseenDays = 7
    let shop = try Shop(settings: settings)
    defer { shop.remove() }
    let made = try await shop.store.make(KeyOrder(name: "laptop"), for: alice, nowSeconds: now)
    #expect(shop.code(made.text, at: now + 7 * day - 1) == nil)
    #expect(shop.code(made.text, at: now + 7 * day) == "key_sleeps")
    shop.store.saw(alice, nowSeconds: now + 8 * day)
    #expect(shop.code(made.text, at: now + 8 * day) == nil)
}

@Test func whoIsNoUserMakesNoKeyAndUsesNone() async throws {
    let shop = try Shop(roles: RoleRules(operate: AccessRule(groups: ["ops"]), user: AccessRule(groups: ["g1"])))
    defer { shop.remove() }
    var user = alice
    let made = try await shop.store.make(KeyOrder(name: "k"), for: user, nowSeconds: now)
    #expect(shop.code(made.text) == nil)
    // Out of the group: the key is of no use, and no other is made, at the login page neither.
    user.groups = []
    shop.store.saw(user, nowSeconds: now + 1)
    guard case .refused(let refusal) = shop.identify(made.text, at: now + 1) else { throw CancellationError() }
    #expect(refusal.status == 403 && refusal.code == "access_denied")
    let error = await #expect(throws: APIError.self) {
        _ = try await shop.store.make(KeyOrder(name: "l"), for: user, nowSeconds: now)
    }
    #expect(error?.status == 403 && error?.code == "access_denied")
    // A higher role will do, and a static token has its role by itself.
    user.groups = ["ops"]
    shop.store.saw(user, nowSeconds: now + 2)
    #expect(shop.code(made.text, at: now + 2) == nil)
    let job = try await shop.store.make(KeyOrder(name: "job"), for: robot, nowSeconds: now)
    #expect(shop.code(job.text) == nil)
}

@Test func aStaticTokensKeysEndWithIt() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let made = try await shop.store.make(KeyOrder(name: "job"), for: robot, nowSeconds: now)
    let later = try Shop(folder: shop.folder, hasStaticToken: { $0 != "ci" })
    #expect(shop.code(made.text) == nil)
    #expect(later.code(made.text) == "key_owner_gone")
}

@Test func whatWasKeptIsReadAgain() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let order = KeyOrder(
        name: "laptop", limits: KeyLimits(models: ["m"], project: "p", tokensPerDay: 100, networks: ["10.0.0.0/8"]))
    let made = try await shop.store.make(order, for: alice, nowSeconds: now)
    let gone = try await shop.store.make(KeyOrder(name: "gone"), for: alice, nowSeconds: now)
    _ = try await shop.store.revoke(gone.key.id, of: alice.subject)
    let again = try Shop(folder: shop.folder)
    guard case .caller(let caller) = again.identify(made.text) else { throw CancellationError() }
    #expect(caller.user.identity == alice)
    #expect(caller.key?.limits == order.limits && caller.key?.name == "laptop")
    #expect(again.code(gone.text) == "invalid_key")
    #expect(again.store.list(of: alice.subject).map(\.id) == [made.key.id])
}

@Test func whatHasBeenOverForLongIsCleared() async throws {
    var settings = KeySettings()
    settings.perUser = 1
    let shop = try Shop(settings: settings)
    defer { shop.remove() }
    let old = now - 31 * day
    var user = alice
    user.authenticatedAt = old
    let made = try await shop.store.make(KeyOrder(name: "old", expiresInSeconds: 60), for: user, nowSeconds: old)
    // It takes no place once it has expired.
    let other = try await shop.store.make(KeyOrder(name: "next", expiresInSeconds: 3 * day), for: user, nowSeconds: old + 61)
    let again = try Shop(folder: shop.folder)
    #expect(again.code(made.text) == "invalid_key")
    #expect(again.code(other.text) == "key_expired")
}

@Test func othersKeysAreNotOnesOwn() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let made = try await shop.store.make(KeyOrder(name: "laptop"), for: alice, nowSeconds: now)
    #expect(try await shop.store.revoke(made.key.id, of: robot.subject) == nil)
    #expect(shop.code(made.text) == nil)
    #expect(shop.store.list(of: robot.subject).isEmpty)
    #expect(try await shop.store.revoke(made.key.id, of: nil) != nil)
    #expect(shop.code(made.text) == "invalid_key")
}

@Test func aRevocationThatTheDiskRefusedCanBeTriedAgain() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let made = try await shop.store.make(KeyOrder(name: "laptop"), for: alice, nowSeconds: now)
    let id = made.key.id
    let file = try DatabaseFile.open(shop.folder + "/keys.db", migrations: KeyShelf.migrations, nowSeconds: now)
    try file.execute("CREATE TRIGGER full BEFORE DELETE ON keys BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    for _ in 0..<2 {
        let error = await #expect(throws: APIError.self) { _ = try await shop.store.revoke(id, of: alice.subject) }
        #expect(error?.status == 503)
        #expect(shop.code(made.text) == "invalid_key")
    }
    #expect(try await shop.store.revoke(id, of: robot.subject) == nil)
    try file.execute("DROP TRIGGER full")
    #expect(try await shop.store.revoke(id, of: alice.subject) != nil)
    #expect(try await shop.store.revoke(id, of: alice.subject) == nil)
    #expect(try Shop(folder: shop.folder).code(made.text) == "invalid_key")
}

@Test func manyRequestsAtOncePassNoLimit() async throws {
    var settings = KeySettings()
    settings.perUser = 5
    let shop = try Shop(settings: settings)
    defer { shop.remove() }
    let made = await withTaskGroup(of: Bool.self) { group in
        for index in 0..<20 {
            group.addTask { (try? await shop.store.make(KeyOrder(name: "\(index)"), for: alice, nowSeconds: now)) != nil }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(made == 5)
}

@Test func expiredKeysTakeNobodysPlace() async throws {
    var settings = KeySettings()
    settings.perUser = 3
    settings.allowed = 4
    let shop = try Shop(settings: settings)
    defer { shop.remove() }
    // One user with any number of short-lived keys holds no more than one user may.
    var made: [String] = []
    for round in 0..<10 {
        let order = KeyOrder(name: "\(round)", expiresInSeconds: 60)
        made.append(try await shop.store.make(order, for: alice, nowSeconds: now + 100 * UInt64(round)).text)
    }
    #expect(shop.store.list(of: nil).map(\.name) == ["9", "8", "7"])
    let later = now + 10_000
    #expect(
        made.map { shop.code($0, at: later) } == Array(repeating: "invalid_key", count: 7)
            + Array(repeating: "key_expired", count: 3))
    // A full node gives expired keys' places to others, the oldest first, and refuses only when all of them live.
    for number in 0..<4 {
        let user = UserIdentity(staticToken: "robot-\(number)")
        _ = try await shop.store.make(KeyOrder(name: "r\(number)"), for: user, nowSeconds: later)
    }
    #expect(Set(shop.store.list(of: nil).map(\.name)) == ["r0", "r1", "r2", "r3"])
    let error = await #expect(throws: APIError.self) {
        _ = try await shop.store.make(KeyOrder(name: "x"), for: alice, nowSeconds: later)
    }
    #expect(error?.status == 409)
    #expect(Set(try Shop(folder: shop.folder).store.list(of: nil).map(\.name)) == ["r0", "r1", "r2", "r3"])
}

@Test func aDaysShareIsSpentOnce() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let order = KeyOrder(name: "k", limits: KeyLimits(tokensPerDay: 100))
    let key = try await shop.store.make(order, for: alice, nowSeconds: now).key
    let midnight = (now / day + 1) * day
    #expect(key.spend(60, nowSeconds: midnight - 1))
    #expect(!key.spend(41, nowSeconds: midnight - 1))
    #expect(key.spend(40, nowSeconds: midnight - 1))
    #expect(key.spend(100, nowSeconds: midnight))
    #expect(!key.spend(.max, nowSeconds: midnight))
}

@Test(arguments: [
    ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.0.2.7", "192.0.2.7", true),
    ("192.0.2.7", "192.0.2.8", false), ("0.0.0.0/0", "203.0.113.9", true), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
    ("2001:db8::/32", "2001:db8:1::1", true), ("2001:db8::/32", "2001:db9::1", false), ("0.0.0.0/0", "::1", false),
    ("192.0.2.128/25", "192.0.2.127", false), ("192.0.2.128/25", "192.0.2.200", true),
])
func blocksOfAddresses(_ block: String, _ address: String, _ isInside: Bool) throws {
    let found = try #require(NetworkBlock(block))
    #expect(found.contains(try #require(SocketAddress(literal: address, port: 1))) == isInside)
}

@Test(arguments: [
    "", "/8", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0/8", "example.org", "10.0.0.0/8/8",
])
func whatIsNoBlock(_ text: String) { #expect(NetworkBlock(text) == nil) }

@Suite struct LoginStateTests {
    @Test func aStateIsOneBrowsersAndGoodOnce() {
        let states = LoginStates()
        let begun = states.begin(nowSeconds: now)
        let other = states.begin(nowSeconds: now)
        #expect(Set([begun.state, begun.browser, begun.verifier, other.state, other.browser, other.verifier]).count == 6)
        #expect(begun.verifier.utf8.count == 43 && begun.browser.utf8.count == 43)
        #expect(states.comeBack(begun.state, browser: begun.browser, nowSeconds: now + 599) == begun.verifier)
        #expect(states.comeBack(begun.state, browser: begun.browser, nowSeconds: now) == nil)
        // What was tried in another browser is void.
        #expect(states.comeBack(other.state, browser: begun.browser, nowSeconds: now) == nil)
        #expect(states.comeBack(other.state, browser: other.browser, nowSeconds: now) == nil)
        let late = states.begin(nowSeconds: now)
        #expect(states.comeBack(late.state, browser: late.browser, nowSeconds: now + 600) == nil)
        // Another process' states are of no use, nor any that were changed.
        let strange = LoginStates().begin(nowSeconds: now)
        #expect(states.comeBack(strange.state, browser: strange.browser, nowSeconds: now) == nil)
        let fine = states.begin(nowSeconds: now)
        for wrong in ["", "B" + fine.state.dropFirst(), fine.state + "A", String(fine.state.dropLast(2)), "é", "=="] {
            #expect(states.comeBack(wrong, browser: fine.browser, nowSeconds: now) == nil)
        }
    }

    @Test func aTicketIsOneBrowsersAndGoodOnce() {
        let states = LoginStates()
        let name = states.admit(alice, browser: "b1", nowSeconds: now)
        #expect(states.take(name + "x", browser: "b1", nowSeconds: now) == nil)
        #expect(states.take(name, browser: "b1", nowSeconds: now + 599) == alice)
        #expect(states.take(name, browser: "b1", nowSeconds: now) == nil)
        let other = states.admit(alice, browser: "b1", nowSeconds: now)
        #expect(states.take(other, browser: "b2", nowSeconds: now) == nil)
        #expect(states.take(other, browser: "b1", nowSeconds: now) == nil)
        let late = states.admit(alice, browser: "b1", nowSeconds: now)
        #expect(states.take(late, browser: "b1", nowSeconds: now + 600) == nil)
    }

    @Test func noNumberOfLoginsHoldsOthersOut() {
        let states = LoginStates()
        let first = states.begin(nowSeconds: now)
        // Begun by whoever, any number: nothing is kept of them.
        for _ in 0..<10_000 { _ = states.begin(nowSeconds: now) }
        #expect(states.comeBack(first.state, browser: first.browser, nowSeconds: now) == first.verifier)
        // Those who are back are bounded, and so are the used states: the oldest go.
        let oldest = states.admit(alice, browser: "b", nowSeconds: now)
        var last = oldest
        for _ in 0..<LoginStates.ticketsAllowed { last = states.admit(alice, browser: "b", nowSeconds: now) }
        #expect(states.take(oldest, browser: "b", nowSeconds: now) == nil)
        #expect(states.take(last, browser: "b", nowSeconds: now) == alice)
        for _ in 0..<LoginStates.usedAllowed + 1 {
            let begun = states.begin(nowSeconds: now)
            #expect(states.comeBack(begun.state, browser: begun.browser, nowSeconds: now) == begun.verifier)
        }
    }

    @Test func whatComesFromOutsideIsTextOnThePage() {
        let page = LoginPage.form(user: "<script>\"'&", site: "x", ticket: "t", maximumDays: 7)
        #expect(page.contains("&lt;script&gt;&quot;&#39;&amp;"))
        #expect(!page.contains("<script"))
    }
}

@Suite struct RoleRuleTests {
    @Test func theHighestThatAdmits() throws {
        let rules = RoleRules(
            operate: AccessRule(groups: ["ops"]), viewer: AccessRule(domains: ["anl.gov"]),
            user: AccessRule(domains: ["anl.gov", "x.org"]))
        var user = alice
        #expect(try rules.role(of: user, nowSeconds: now) == .viewer)
        user.groups = ["ops"]
        #expect(try rules.role(of: user, nowSeconds: now) == .operate)
        user.groups = []
        user.domain = "x.org"
        #expect(try rules.role(of: user, nowSeconds: now) == .user)
        user.domain = "elsewhere.org"
        #expect(throws: AccessRefusal.self) { _ = try rules.role(of: user, nowSeconds: now) }
        #expect(try RoleRules().role(of: user, nowSeconds: now) == .user)
    }
}
