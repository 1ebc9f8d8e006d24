import API
import Glibc
import Testing
import Trust

@testable import MeshNode

/// Statements on disk and on the wire.
@Suite final class StatementTests {
    let folder: String
    let authority: FederationAuthority
    let log = Logger(level: .error, json: false, source: "test")
    private let now = FederationAuthority.currentSeconds()

    init() throws {
        var template = Array("/tmp/meshnode-statements-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        authority = try FederationAuthority.create(federation: "demo", directory: folder + "/federation")
    }

    deinit { removeTree(folder) }

    private func ledger() -> TrustLedger { TrustLedger(federation: "demo", roots: [authority.root]) }

    private func admit(_ site: String, in ledger: TrustLedger) throws {
        _ = try ledger.take(
            authority.issuer.sign(.admission(Admission(site: site, domains: ["*"], nodes: 1)), now: now), now: now)
    }

    @Test func whatWasSaidOutlivesARestart() throws {
        let store = StatementStore(directory: folder, log: log)
        let before = ledger()
        _ = try before.take(try #require(authority.bundle), now: now)
        try admit("alpha", in: before)
        _ = try before.take(
            authority.issuer.sign(
                .revocation(
                    Revocation(
                        site: "beta", node: "b1", revokedAt: UInt64(now), expires: UInt64(now + 1000), reason: "lost")),
                now: now), now: now)
        store.save(before)
        let after = ledger()
        store.load(into: after, now: now)
        #expect(after.held == before.held && after.digest == before.digest)
        #expect(after.revocation(site: "beta", node: "b1", notBefore: now - 1, now: now)?.reason == "lost")
        // Past its end it is not taken up again.
        let later = ledger()
        store.load(into: later, now: now + 2000)
        #expect(later.held.count == 2)
    }

    /// A node whose file of roots is still the first one goes through all bundles, in their order.
    @Test func bundlesLeadFromOneToTheNext() throws {
        let store = StatementStore(directory: folder, log: log)
        let key = try PrivateKey(pemFile: folder + "/federation/root.key")
        var rollover = try RootRollover(directory: folder + "/federation")
        try rollover.makeRoot(passphrase: nil)
        let newKey = try PrivateKey(pemFile: folder + "/federation/root.next.key")
        let before = ledger()
        _ = try before.take(try rollover.bundleOfBoth(key: key, present: nil, serial: 0), now: now)
        store.save(before)
        let last = try rollover.bundleOfNew(key: newKey, present: nil, serial: before.bundle.serial)
        _ = try before.take(last, now: now)
        store.save(before)
        let after = ledger()
        store.load(into: after, now: now)
        #expect(after.bundle.serial == before.bundle.serial && after.bundle.roots.count == 1)
        #expect(after.digest == before.digest)
    }

    @Test func aDamagedLineCostsThatLine() throws {
        let store = StatementStore(directory: folder, log: log)
        let before = ledger()
        try admit("alpha", in: before)
        try admit("beta", in: before)
        store.save(before)
        var text = String(decoding: try PublicFile.read(store.path), as: UTF8.self)
        text = "garbage\n" + text
        try PublicFile.write(store.path, Array(text.utf8))
        let after = ledger()
        store.load(into: after, now: now)
        #expect(after.digest == before.digest)
    }

    // MARK: On the wire

    @Test func twoLedgersAreEqualAfterOneConversation() throws {
        let (one, other) = (ledger(), ledger())
        for site in ["a", "b", "c"] { try admit(site, in: one) }
        for site in ["c", "d"] { try admit(site, in: other) }
        func take(_ message: StatementExchange, _ ledger: TrustLedger) throws {
            for token in message.tokenData { _ = try ledger.take(token, now: now) }
        }
        let question = try #require(StatementExchange.decode(StatementExchange(of: one.held, news: []).encode()))
        #expect(question.tokens.isEmpty)
        let reply = StatementExchange(of: other.held, lackedBy: question.have)
        #expect(reply.tokens.count == 2 || reply.tokens.count == 1)
        try take(reply, one)
        try take(StatementExchange(of: one.held, lackedBy: reply.have), other)
        #expect(one.digest == other.digest && one.held.count == 4)
        #expect(
            StatementExchange(of: one.held, lackedBy: other.held.map { StatementExchange.name(of: $0.token) }).tokens.isEmpty
        )
    }

    /// Without the roots in the bundle nothing below them is believed: it must be in the first message, however much there is.
    @Test func theBundleIsToldFirst() throws {
        let one = ledger()
        _ = try one.take(try #require(authority.bundle), now: now)
        for site in ["a", "b"] { try admit(site, in: one) }
        let first = try #require(StatementExchange(of: one.held, lackedBy: []).tokenData.first)
        #expect(try Statement(unverified: first).subject == "bundle")
    }

    @Test func messagesAreBounded() throws {
        #expect(StatementExchange.decode(Array("{}".utf8)) == nil)
        #expect(StatementExchange.decode([UInt8](repeating: 0x20, count: StatementExchange.messageBytes + 1)) == nil)
        let many = StatementExchange(
            have: [String](repeating: "", count: TrustLedger.maximumStatements + 1), tokens: [])
        #expect(StatementExchange.decode(many.encode()) == nil)
    }
}

extension StatementExchange {
    init(have: [String], tokens: [String]) {
        self.init(of: [], news: tokens.map { Array($0.utf8) })
        self.have = have
    }
}
