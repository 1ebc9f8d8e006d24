import Gossip
import Synchronization
import Testing
import Transport
import Trust

@testable import API
@testable import Routing

/// From where a key may be used, behind a proxy on loopback.
@Suite struct ClientAddressTests {
    /// Knows one token, that of a key for the network 10.0.0.0/8.
    private struct OneKey: Authenticator {
        let key: APIKey

        init() {
            let identity = UserIdentity(staticToken: "ci")
            key = APIKey(
                id: "k", name: "k", digest: SHA256Digest.of("t"), owner: KeyOwner(identity, seenAt: 0), createdAt: 0,
                expiresAt: .max, limits: KeyLimits(networks: ["10.0.0.0/8"]))
        }

        func identify(
            _ token: UnsafeRawBufferPointer, nowSeconds: UInt64, client: () -> SocketAddress?
        ) async -> Authentication {
            .caller(Caller(user: key.owner.current.user, role: .user, key: key))
        }
    }

    @Test(
        arguments: [
            (["10.1.2.3"], true), (["203.0.113.9"], false), ([], false), (["x"], false), ([""], false),
            (["203.0.113.9, 10.1.2.3"], true), (["10.1.2.3, 203.0.113.9"], false), (["10.1.2.3, 127.0.0.1"], true),
            // A proxy that appends a field of its own: what the client wrote stands in the first.
            (["10.1.2.3", "203.0.113.9"], false), (["203.0.113.9", "10.1.2.3"], true),
            (["10.1.2.3, 127.0.0.1", "203.0.113.9, 127.0.0.1", "127.0.0.1"], false), (["10.1.2.3", "", "127.0.0.1"], true),
            (["10.1.2.3", "127.0.0.1, x"], false),
        ] as [([String], Bool)])
    func aKeysNetworkIsTheLastThatIsNoProxy(_ forwarded: [String], _ isAllowed: Bool) async throws {
        let node = try await CallbackNode(authenticator: OneKey()) { $0.isProxy = { $0.isLoopback } }
        defer { node.stop() }
        let fields: [(StaticString, String)] = [("Authorization", "Bearer t")] + forwarded.map { ("X-Forwarded-For", $0) }
        let answer = await node.post("/v1/models", method: "GET", fields: fields)
        #expect(answer.hasPrefix(isAllowed ? "200 " : "403 "), "\(answer)")
    }

    /// What a client is told apart by where Globus Auth has to be asked about its token.
    @Test(
        arguments: [
            ([], "127.0.0.1"), (["192.0.2.7"], "192.0.2.7"), (["192.0.2.7", "198.51.100.1"], "198.51.100.1"),
            (["::ffff:192.0.2.7"], "192.0.2.7"), (["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::"), (["x"], "nobody"),
        ] as [([String], String)])
    func clientsAreToldApart(_ forwarded: [String], _ name: String) async throws {
        let seen = Mutex<[String]>([])
        let users = GlobusUsers(roles: RoleRules()) { _, client in
            seen.withLock { $0.append(client ?? "nobody") }
            return .unavailable(retryAfterSeconds: 1, "too many")
        }
        let chain = AuthenticationChain(tokens: StaticTokens([:]), globus: users)
        let node = try await CallbackNode(authenticator: chain) { $0.isProxy = { $0.isLoopback } }
        defer { node.stop() }
        let fields: [(StaticString, String)] = [("Authorization", "Bearer t")] + forwarded.map { ("X-Forwarded-For", $0) }
        #expect(await node.post("/v1/models", method: "GET", fields: fields).hasPrefix("503 "))
        #expect(seen.withLock { $0 } == [name])
    }
}
