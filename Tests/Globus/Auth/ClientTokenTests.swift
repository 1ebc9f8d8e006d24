import Synchronization
import Testing
import Transport

@testable import Globus

private func answer(_ token: String, life: Int = 172_800, server: String = "s") -> AuthStub.Answer {
    AuthStub.Answer(
        body: #"{"access_token":"\#(token)","expires_in":\#(life),"resource_server":"\#(server)","other_tokens":[]}"#)
}

private func make(_ stub: AuthStub, _ time: AuthClock) -> ClientToken {
    ClientToken(
        client: gateway(), scope: "x", resourceServer: "s", services: stub.services, web: WebClient(), clock: time.clock,
        jitter: GlobusJitter(seed: 3))
}

@Suite struct ClientTokenTests {
    @Test func aHundredCallersAskOnce() async throws {
        let stub = try await AuthStub { _ in answer("T1") }
        defer { stub.stop() }
        let token = make(stub, AuthClock())
        let found = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<100 { group.addTask { try? await token.token() } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(found.count == 100 && Set(found) == ["T1"])
        #expect(stub.count == 1)
    }

    @Test func itIsRenewedAheadAndServesWhileRenewingFails() async throws {
        let stub = try await AuthStub { _ in answer("T1") }
        defer { stub.stop() }
        let time = AuthClock()
        let token = make(stub, time)
        #expect(try await token.token() == "T1")
        time.pass(172_800 - 3700)
        #expect(try await token.token() == "T1")
        #expect(stub.count == 1)
        stub.answer { _ in AuthStub.Answer(status: 500, body: "") }
        time.pass(200)
        #expect(try await token.token() == "T1")
        // One call and five more, in the background.
        while stub.count < 7 { await Task.yield() }
        #expect(try await token.token() == "T1")
        stub.answer { _ in answer("T2") }
        time.pass(60)
        while try await token.token() != "T2" {
            await Task.yield()
            time.pass(0.01)
        }
    }

    @Test func pastItsEndItIsNotServed() async throws {
        let stub = try await AuthStub { _ in answer("T1", life: 1000) }
        defer { stub.stop() }
        let time = AuthClock()
        let token = make(stub, time)
        #expect(try await token.token() == "T1")
        stub.answer { _ in AuthStub.Answer(status: 503, body: "", retryAfter: "3600") }
        time.pass(1000)
        let error = await #expect(throws: GlobusError.self) { try await token.token() }
        #expect(error?.code == .unavailable)
        // Told again for a second without asking.
        let asked = stub.count
        #expect(asked == 7)
        await #expect(throws: GlobusError.self) { try await token.token() }
        #expect(stub.count == asked)
    }

    @Test func aDroppedTokenIsAskedForAnew() async throws {
        let number = Mutex(0)
        let stub = try await AuthStub { _ in
            answer("T\(number.withLock { $0 += 1; return $0 })")
        }
        defer { stub.stop() }
        let token = make(stub, AuthClock())
        #expect(try await token.token() == "T1")
        token.drop("another")
        #expect(try await token.token() == "T1")
        token.drop("T1")
        #expect(try await token.token() == "T2")
        #expect(stub.count == 2)
    }

    @Test func theServersTokenIsPickedFromAll() async throws {
        let stub = try await AuthStub { _ in
            AuthStub.Answer(
                body:
                    #"{"access_token":"A","resource_server":"a","other_tokens":[{"access_token":"S","resource_server":"s"}]}"#
            )
        }
        defer { stub.stop() }
        #expect(try await make(stub, AuthClock()).token() == "S")
        stub.answer { _ in answer("A", server: "a") }
        let error = await #expect(throws: GlobusError.self) { try await make(stub, AuthClock()).token() }
        #expect(error?.message == "Globus Auth gave no token for s")
    }
}
