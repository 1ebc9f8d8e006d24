import Synchronization
import Testing
import Transport

@testable import Globus

private struct Rig {
    let stub: AuthStub
    let time = AuthClock()
    let introspector: TokenIntrospector

    init(
        _ edit: (inout IntrospectionSettings) -> Void = { _ in },
        _ answer: @escaping @Sendable (AuthStub.Request) async -> AuthStub.Answer
    ) async throws {
        stub = try await AuthStub(answer)
        var settings = IntrospectionSettings(client: gateway())
        edit(&settings)
        introspector = TokenIntrospector(
            settings: settings, services: stub.services, web: WebClient(), clock: time.clock, jitter: GlobusJitter(seed: 7))
    }

    /// `user`, the refusal's reason, or `unavailable SECONDS`.
    func ask(_ token: String) async -> String {
        switch await introspector.identify(Array(token.utf8)) {
        case .active(let identity): identity.username
        case .refused(let refusal): "\(refusal.reason)"
        case .unavailable(let seconds, _): "unavailable \(seconds)"
        }
    }
}

/// Callers on one actor: that one is counted shows only when it has gone as far as it can, which is to wait.
private actor Callers {
    private var count = 0
    private var watchers: [(wanted: Int, continuation: CheckedContinuation<Void, Never>)] = []

    func ask(_ rig: Rig, _ token: String) async -> String {
        count += 1
        for watcher in watchers where watcher.wanted == count { watcher.continuation.resume() }
        return await rig.ask(token)
    }

    /// Returns once that many have asked.
    func wait(for wanted: Int) async {
        guard count < wanted else { return }
        await withCheckedContinuation { watchers.append((wanted, $0)) }
    }
}

private func good(_ request: AuthStub.Request) -> AuthStub.Answer { AuthStub.Answer(body: introspection()) }
private func broken(_ request: AuthStub.Request) -> AuthStub.Answer { AuthStub.Answer(status: 503, body: "{}") }
private func inactive(_ request: AuthStub.Request) -> AuthStub.Answer { AuthStub.Answer(body: #"{"active":false}"#) }

@Suite struct IntrospectorTests {
    @Test(.timeLimit(.minutes(1))) func aHundredRequestsWithOneNewTokenAreOneQuestion() async throws {
        let callers = Callers()
        let rig = try await Rig { request in
            await callers.wait(for: 100)
            return good(request)
        }
        defer { rig.stub.stop() }
        let answers = await withTaskGroup(of: String.self) { group in
            for _ in 0..<100 { group.addTask { await callers.ask(rig, "one") } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 100 && Set(answers) == ["alice@anl.gov"])
        #expect(rig.stub.count == 1)
    }

    @Test func revokingShowsWhenTheEntryEnds() async throws {
        let rig = try await Rig { good($0) }
        defer { rig.stub.stop() }
        #expect(await rig.ask("a") == "alice@anl.gov")
        rig.stub.answer { inactive($0) }
        rig.time.pass(200)
        #expect(await rig.ask("a") == "alice@anl.gov")
        #expect(rig.stub.count == 1)
        rig.time.pass(101)
        #expect(await rig.ask("a") == "inactive")
        #expect(rig.stub.count == 2)
        // A refusal is kept for 60 s.
        rig.stub.answer { good($0) }
        rig.time.pass(59)
        #expect(await rig.ask("a") == "inactive")
        rig.time.pass(2)
        #expect(await rig.ask("a") == "alice@anl.gov")
    }

    @Test func anEntryIsRefreshedAheadWithoutWaiting() async throws {
        let rig = try await Rig { good($0) }
        defer { rig.stub.stop() }
        #expect(await rig.ask("a") == "alice@anl.gov")
        rig.stub.answer { inactive($0) }
        rig.time.pass(250)
        // Past four fifths of its life: answered at once, asked about behind.
        #expect(await rig.ask("a") == "alice@anl.gov")
        while await rig.ask("a") != "inactive" { await Task.yield() }
        #expect(rig.stub.count == 2)
    }

    @Test func neverPastTheTokensEnd() async throws {
        let end = AuthClock.start + 40
        let rig = try await Rig { _ in AuthStub.Answer(body: introspection(["exp": "\(end)"])) }
        defer { rig.stub.stop() }
        #expect(await rig.ask("a") == "alice@anl.gov")
        rig.time.pass(41)
        rig.stub.answer { broken($0) }
        #expect(await rig.ask("a").hasPrefix("unavailable"))
    }

    @Test func aMinuteWithoutGlobusAuth() async throws {
        let rig = try await Rig { good($0) }
        defer { rig.stub.stop() }
        #expect(await rig.ask("known") == "alice@anl.gov")
        rig.time.pass(299)
        rig.stub.answer { broken($0) }
        for second in 0..<60 {
            #expect(await rig.ask("known") == "alice@anl.gov", "second \(second)")
            #expect(await rig.ask("new").hasPrefix("unavailable"), "second \(second)")
            rig.time.pass(1)
        }
        // Neither was taken for a refusal.
        rig.stub.answer { good($0) }
        rig.time.pass(11)
        #expect(await rig.ask("new") == "alice@anl.gov")
        #expect(await rig.ask("known") == "alice@anl.gov")
    }

    @Test func aKnownUserGoesOnOnlyUntilTheEntryIsStale() async throws {
        let rig = try await Rig({ $0.staleSeconds = 900 }) { good($0) }
        defer { rig.stub.stop() }
        #expect(await rig.ask("known") == "alice@anl.gov")
        rig.stub.answer { broken($0) }
        rig.time.pass(890)
        #expect(await rig.ask("known") == "alice@anl.gov")
        rig.time.pass(20)
        #expect(await rig.ask("known").hasPrefix("unavailable"))
    }

    @Test func anOutageIsRememberedSoThatUnknownTokensDoNotHammer() async throws {
        let rig = try await Rig { _ in AuthStub.Answer(status: 429, body: "{}", retryAfter: "5") }
        defer { rig.stub.stop() }
        #expect(await rig.ask("first") == "unavailable 5")
        let asked = rig.stub.count
        for number in 0..<500 { #expect(await rig.ask("t\(number)") == "unavailable 5") }
        #expect(rig.stub.count == asked && asked == 1)
        rig.time.pass(6)
        rig.stub.answer { good($0) }
        #expect(await rig.ask("first") == "alice@anl.gov")
    }

    @Test(arguments: [
        AuthStub.Answer(body: "garbage"), AuthStub.Answer(body: "[]"), AuthStub.Answer(body: ""),
        AuthStub.Answer(body: #"{"active":"#), AuthStub.Answer(body: String(repeating: "[", count: 100_000)),
        AuthStub.Answer(body: #"{"active":true,"x":""# + String(repeating: "a", count: 2 << 20) + #""}"#),
        AuthStub.Answer(status: 500, body: "<html>"), AuthStub.Answer(status: 401, body: #"{"error":"invalid_client"}"#),
        AuthStub.Answer(status: 302, body: ""), AuthStub.Answer(status: 400, body: #"{"error":"x"}"#),
    ])
    func whatIsNoAnswerIsNoRefusal(_ answer: AuthStub.Answer) async throws {
        let rig = try await Rig { _ in answer }
        defer { rig.stub.stop() }
        #expect(await rig.ask("a").hasPrefix("unavailable"))
        rig.time.pass(11)
        rig.stub.answer { good($0) }
        #expect(await rig.ask("a") == "alice@anl.gov")
    }

    @Test(arguments: ["", "a b", "a\n", String(repeating: "a", count: 8193), "ä"])
    func whatIsNoTokenIsNotAsked(_ token: String) async throws {
        let rig = try await Rig { good($0) }
        defer { rig.stub.stop() }
        #expect(await rig.ask(token) == "malformed")
        #expect(rig.stub.count == 0)
    }

    @Test func garbageTokensPushNoKnownUserOut() throws {
        var settings = IntrospectionSettings(client: gateway())
        settings.knownTokens = 100
        settings.refusedTokens = 1000
        var machine = IntrospectionMachine(settings)
        let known = key("known")
        #expect(machine.arrived(known, now: 0, wall: 0) == .ask)
        let identity = GlobusIdentity(subject: "a", username: "a", expiresAt: 1000)
        _ = machine.answered(known, .success(identity), now: 0, wall: 0)
        for number in 0..<50_000 {
            let garbage = key("garbage \(number)")
            guard machine.arrived(garbage, now: 0, wall: 0) == .ask else { continue }
            _ = machine.answered(garbage, .failure(GlobusRefusal(.inactive, "")), now: 0, wall: 0)
        }
        #expect(machine.refused.count == 1000 && machine.known.count == 1 && machine.asking.isEmpty)
        #expect(machine.arrived(known, now: 0, wall: 0) == .answer(.active(identity)))
    }

    @Test func oneClientsUnknownTokensLeaveRoomForOthers() {
        var settings = IntrospectionSettings(client: gateway())
        settings.questionsPerClient = 8
        var machine = IntrospectionMachine(settings)
        func arrives(_ text: String, _ client: String?, now: UInt64 = 0) -> IntrospectionMachine.Step {
            machine.arrived(key(text), from: client, now: now, wall: 0)
        }
        let identity = GlobusIdentity(subject: "s", username: "u@x", expiresAt: 10_000)
        #expect(arrives("known", "flood") == .ask)
        _ = machine.answered(key("known"), .success(identity), now: 0, wall: 0)
        for number in 0..<8 { #expect(arrives("garbage \(number)", "flood") == .ask) }
        let refused = IntrospectionMachine.Step.answer(
            .unavailable(retryAfterSeconds: 1, "too many new tokens at once from your network address"))
        for number in 8..<5000 { #expect(arrives("garbage \(number)", "flood") == refused) }
        #expect(machine.asking.count == 8)
        // Whom it does not concern: known users there, also when they are asked about again, those who wait, and others.
        #expect(arrives("known", "flood") == .answer(.active(identity)))
        #expect(arrives("known", "flood", now: 301_000_000_000) == .ask)
        #expect(arrives("garbage 0", "flood") == .wait)
        #expect(arrives("new", "elsewhere") == .ask)
        #expect(arrives("own", nil) == .ask)
        // Each that ends makes room for one, however it ends.
        _ = machine.answered(key("garbage 0"), .failure(GlobusRefusal(.inactive, "")), now: 0, wall: 0)
        #expect(arrives("garbage 8", "flood") == .ask)
        #expect(arrives("garbage 9", "flood") == refused)
        _ = machine.failed(key("garbage 1"), GlobusError(.unavailable, ""), now: 0, wall: 0)
        #expect(arrives("garbage 9", "flood") == .ask)
        for number in 2..<10 {
            _ = machine.answered(key("garbage \(number)"), .failure(GlobusRefusal(.inactive, "")), now: 0, wall: 0)
        }
        #expect(machine.questions == ["elsewhere": 1])
    }

    @Test(.timeLimit(.minutes(1))) func onlySoManyQuestionsAtOnce() async throws {
        let callers = Callers()
        let most = Mutex((now: 0, most: 0))
        let rig = try await Rig({
            $0.concurrentQuestions = 4
            $0.waitingQuestions = 8
        }) { request in
            most.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            // All are there and as many questions as may be under way, before one ends.
            await callers.wait(for: 60)
            while most.withLock({ $0.most < 4 }) { await Task.yield() }
            most.withLock { $0.now -= 1 }
            return good(request)
        }
        defer { rig.stub.stop() }
        let answers = await withTaskGroup(of: String.self) { group in
            for number in 0..<60 { group.addTask { await callers.ask(rig, "t\(number)") } }
            return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        #expect(most.withLock { $0.most } == 4)
        #expect(answers == ["alice@anl.gov": 12, "unavailable 1": 48])
    }
}
