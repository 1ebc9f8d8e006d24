import Synchronization
import Testing

@testable import Routing

/// An origin that the test commands.
private final class Fountain: TokenOrigin {
    private let state = Mutex<(tokens: [String], refusals: [String?], failure: TokenFailure?)>(([], [], nil))
    let refusalPause: UInt64 = 5_000_000_000
    private let life: UInt64?
    private let renewAfter: UInt64

    init(_ tokens: [String], renewAfter: UInt64 = 100, life: UInt64? = nil) {
        self.renewAfter = renewAfter
        self.life = life
        state.withLock { $0.tokens = tokens }
    }

    var refusals: [String?] { state.withLock { $0.refusals } }
    var failure: TokenFailure? {
        get { state.withLock { $0.failure } }
        set { state.withLock { $0.failure = newValue } }
    }

    func read(refused: String?) async throws(TokenFailure) -> TokenReading {
        // A moment in which others may come.
        await Task.yield()
        let next = state.withLock { state -> Result<String, TokenFailure> in
            state.refusals.append(refused)
            if let failure = state.failure { return .failure(failure) }
            return .success(state.tokens.count > 1 ? state.tokens.removeFirst() : state.tokens[0])
        }
        switch next {
        case .success(let token): return TokenReading(token: token, renewAfter: renewAfter, expiresAfter: life)
        case .failure(let failure): throw failure
        }
    }
}

private final class Clock: Sendable {
    let now = Mutex<UInt64>(1_000)
    @Sendable func read() -> UInt64 { now.withLock { $0 } }
    func pass(_ nanoseconds: UInt64) { now.withLock { $0 += nanoseconds } }
}

@Suite struct CredentialTests {
    private let clock = Clock()
    private let warnings = Warnings()

    private final class Warnings: Sendable {
        let lines = Mutex<[String]>([])
        @Sendable func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private func credential(_ origin: Fountain) -> Credential {
        Credential(origin, warn: warnings.add, clock: clock.read)
    }

    @Test("the first request waits for a token, the next ones have it")
    func first() async {
        let origin = Fountain(["one", "two"])
        let credential = credential(origin)
        #expect(credential.authorization == nil)
        await credential.prepare()
        #expect(credential.authorization == "Bearer one")
        await credential.prepare()
        #expect(origin.refusals == [nil])
    }

    @Test("many that want a token at once make one reading")
    func oneFlight() async {
        let origin = Fountain(["one", "two"])
        let credential = credential(origin)
        await withTaskGroup { group in
            for _ in 0..<50 { group.addTask { await credential.prepare() } }
        }
        #expect(credential.authorization == "Bearer one")
        #expect(origin.refusals.count == 1)
    }

    @Test("a token past its life is replaced before it is used")
    func life() async {
        let origin = Fountain(["one", "two"], renewAfter: 90, life: 100)
        let credential = credential(origin)
        await credential.prepare()
        clock.pass(100)
        await credential.prepare()
        #expect(credential.authorization == "Bearer two")
    }

    @Test("a refusal brings the next token once, and whoever was refused as well has it already")
    func refused() async {
        let origin = Fountain(["one", "two", "three"])
        let credential = credential(origin)
        await credential.prepare()
        #expect(await credential.renew(refused: "Bearer one"))
        #expect(credential.authorization == "Bearer two")
        #expect(await credential.renew(refused: "Bearer one"))
        #expect(credential.authorization == "Bearer two")
        #expect(origin.refusals == [nil, "one"])
    }

    @Test("a server that refuses every token is not a reason to read for ever")
    func refusedAgain() async {
        let origin = Fountain(["one", "two", "three"])
        let credential = credential(origin)
        await credential.prepare()
        #expect(await credential.renew(refused: "Bearer one"))
        #expect(await credential.renew(refused: "Bearer two") == false)
        clock.pass(origin.refusalPause)
        #expect(await credential.renew(refused: "Bearer two"))
        #expect(origin.refusals.count == 3)
    }

    @Test("a refusal without another token changes nothing")
    func refusedForGood() async {
        let credential = credential(Fountain(["one"]))
        await credential.prepare()
        #expect(await credential.renew(refused: "Bearer one") == false)
        #expect(await Credential(fixed: "k").renew(refused: "Bearer k") == false)
        #expect(Credential(fixed: "k").authorization == "Bearer k")
    }

    @Test("a failed reading keeps the token, tells why, and is tried again after a pause")
    func failure() async {
        let origin = Fountain(["one", "two"], renewAfter: 90, life: 100)
        let credential = credential(origin)
        await credential.prepare()
        origin.failure = TokenFailure("no file")
        clock.pass(100)
        await credential.prepare()
        #expect(credential.authorization == "Bearer one")
        #expect(warnings.lines.withLock { $0 } == ["no file; the one held is kept"])
        await credential.prepare()
        #expect(origin.refusals.count == 2)
        origin.failure = nil
        clock.pass(Credential.retryPause)
        #expect(await credential.renew(refused: "Bearer one"))
        #expect(credential.authorization == "Bearer two")
    }
}
