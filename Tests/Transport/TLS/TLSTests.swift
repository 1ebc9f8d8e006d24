import FoundationEssentials
import Glibc
import Testing
import Trust

@testable import Transport

/// A federation's authority and two nodes in a folder of their own.
struct Certificates {
    let directory: String
    var authority: String { directory + "/root.pem" }
    func certificate(_ node: String) -> String { "\(directory)/\(node).pem" }
    func key(_ node: String) -> String { "\(directory)/\(node).key" }

    init() throws {
        var template = Array("/tmp/meshnode-tls-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        directory = String(cString: made)
        let authority = try FederationAuthority.create(federation: "test", directory: directory, validDays: 1)
        for node in ["a", "b"] {
            let key = try PrivateKey.generate()
            try key.write(pemFile: "\(directory)/\(node).key")
            let id = try SPIFFEID(federation: "test", site: node, node: "n1")
            try authority.issue(id: id, key: key, dnsNames: ["localhost"], addresses: ["127.0.0.1"], validSeconds: 3600)
                .write(pemFile: "\(directory)/\(node).pem", issuers: authority.issuer.chain)
        }
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: directory)
    }

    func context(
        _ role: TLSContext.Role, _ node: String?, _ verification: TLSContext.Verification, protocols: [String] = [],
        onlyNewest: Bool = false
    ) throws -> TLSContext {
        var settings = TLSContext.Settings(role: role, verification: verification)
        settings.certificateFile = node.map(certificate)
        settings.keyFile = node.map(key)
        settings.applicationProtocols = protocols
        settings.onlyNewest = onlyNewest
        return try TLSContext(settings)
    }
}

private struct Refused: Error, CustomStringConvertible { var description: String { "not one of us" } }

private func echo(_ exchange: HTTPExchange) async {
    let peer = exchange.stream.peerIdentity as? String ?? "nobody"
    await exchange.respond(status: 200, contentType: "text/plain", body: "\(peer) \(exchange.stream.applicationProtocol)")
}

@Suite struct TLSTests {
    @Test func aServerIsKnownByAuthorityAndName() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let servers = try await Servers.start(tls: try files.context(.server, "a", .none), echo)
        defer { servers.stop() }
        let good = servers.upstream(tls: try files.context(.client, nil, .authorities(file: files.authority)))
        let named = servers.upstream(
            tls: try files.context(.client, nil, .authorities(file: files.authority)), name: "elsewhere.example")
        let unknown = servers.upstream(tls: try files.context(.client, nil, .authorities(file: nil)))
        #expect(await servers.client.run { await ask($0, good) } == "200 nobody ")
        #expect(await servers.client.run { await ask($0, named) } == "tls")
        #expect(await servers.client.run { await ask($0, unknown) } == "tls")
    }

    /// As when the process at the other end is killed: the connection was lost, and what was wrong is not TLS.
    @Test func aCutIsTakenForOne() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let servers = try await Servers.start(tls: try files.context(.server, "a", .none)) { exchange in
            // The socket goes without a word of TLS.
            exchange.stream.cutWithoutWords()
        }
        defer { servers.stop() }
        let client = servers.upstream(tls: try files.context(.client, nil, .authorities(file: files.authority)))
        #expect(await servers.client.run { await ask($0, client) } == "connectionLost")
    }

    @Test func bothSidesAreKnownByACheckOfOurs() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let verify = TLSContext.Verification.custom { "leaf of \($0.leaf.count > 100 ? "somebody" : "nothing")" }
        let server = try files.context(.server, "a", verify, protocols: ["meshnode/1"], onlyNewest: true)
        let servers = try await Servers.start(tls: server, echo)
        defer { servers.stop() }
        let client = servers.upstream(
            tls: try files.context(.client, "b", verify, protocols: ["meshnode/1"], onlyNewest: true))
        #expect(await servers.client.run { await ask($0, client) } == "200 leaf of somebody meshnode/1")
    }

    @Test(arguments: ["no certificate", "refused", "other protocol", "no protocol", "plain bytes"])
    func strangersAreRefusedInWords(_ how: String) async throws {
        let files = try Certificates()
        defer { files.remove() }
        let refusals = Refusals()
        let accept = TLSContext.Verification.custom { _ in "ok" }
        let check: TLSContext.Verification = how == "refused" ? .custom { _ in throw Refused() } : accept
        let server = try files.context(.server, "a", check, protocols: ["meshnode/1"], onlyNewest: true)
        let servers = try await Servers.start(tls: server, refusals: refusals, echo)
        defer { servers.stop() }
        let protocols = how == "other protocol" ? ["http/1.1"] : how == "no protocol" ? [] : ["meshnode/1"]
        let client =
            how == "plain bytes"
            ? nil : try files.context(.client, how == "no certificate" ? nil : "b", accept, protocols: protocols)
        let upstream = servers.upstream(tls: client)
        let answer = await servers.client.run { await ask($0, upstream) }
        #expect(!answer.hasPrefix("200"))
        await servers.client.run { context in
            let alarm = Alarm(loop: context.loop)
            while refusals.all.isEmpty { await alarm.sleep(nanoseconds: 1_000_000) }
        }
        if how == "refused" { #expect(refusals.all == ["not one of us"]) }
    }

    @Test func largeBodiesBothWays() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let servers = try await Servers.start(tls: try files.context(.server, "a", .none)) { exchange in
            do throws(HTTPSyntaxError) {
                let body = try await exchange.readBody(limit: 8 << 20)
                await exchange.respond(status: 200, contentType: "text/plain", body: Array(exchange.headBytes[body]))
            } catch { await exchange.respond(status: error.status, contentType: "text/plain", body: error.reason) }
        }
        defer { servers.stop() }
        let upstream = servers.upstream(tls: try files.context(.client, nil, .authorities(file: files.authority)))
        let body = String((0..<300_000).map { Character(Unicode.Scalar(UInt8(97 + $0 % 26))) })
        #expect(await servers.client.run { await ask($0, upstream, method: "POST", body: body) } == "200 \(body)")
    }

    /// A peer that is no longer trusted: what waits on a connection with it fails at once, and no idle one is used again.
    @Test func connectionsWithAPeerAreEnded() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let servers = try await Servers.start(tls: try files.context(.server, "a", .none)) {
            await $0.respond(status: 200, contentType: "text/plain", body: "ok")
        }
        defer { servers.stop() }
        let named = servers.upstream(tls: try files.context(.client, nil, .custom { _ in "a" }))
        let ended = await servers.client.run { context in
            var ended: [Int] = []
            for name in ["b", "a"] {
                _ = await ask(context, named)
                ended.append(
                    context.loop.endConnections(TransportError(.revoked, "not any more")) { $0 as? String == name })
            }
            _ = await ask(context, named)
            return (ended, context.pool.dialled)
        }
        #expect(ended.0 == [0, 1])
        #expect(ended.1 == 2)
    }

    /// Whom it is to trust has changed since the handshake: the next request finds out, also where nobody ended the connection.
    @Test func aPeerIsCheckedAgain() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let (round, refusing) = (Counter(), Counter())
        let check = TLSContext.Verification.custom { _ in
            if refusing.count > 0 { throw Refused() }
            return "a"
        }
        let server = try files.context(.server, "a", check, protocols: ["meshnode/1"], onlyNewest: true)
        let servers = try await Servers.start(tls: server) { exchange in
            let isGood = exchange.stream.isStillProven(asOf: UInt64(round.count))
            await exchange.respond(status: 200, contentType: "text/plain", body: "\(isGood)")
        }
        defer { servers.stop() }
        let accept = TLSContext.Verification.custom { _ in "a" }
        let client = servers.upstream(
            tls: try files.context(.client, "b", accept, protocols: ["meshnode/1"], onlyNewest: true))
        let answers = await servers.client.run { context in
            var answers = [await ask(context, client)]
            refusing.raise()
            answers.append(await ask(context, client))
            round.raise()
            for _ in 0..<2 { answers.append(await ask(context, client)) }
            answers.append("\(context.pool.dialled)")
            return answers
        }
        #expect(answers == ["200 true", "200 true", "200 false", "200 false", "1"])
    }

    /// What was proven by a certificate holds no longer than that.
    @Test func connectionsEndWithTheirCertificates() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let servers = try await Servers.start(tls: try files.context(.server, "a", .none)) {
            await $0.respond(status: 200, contentType: "text/plain", body: "ok")
        }
        defer { servers.stop() }
        let proven = servers.upstream(tls: try files.context(.client, nil, .custom { _ in "a" }))
        let end = try Certificate(pemFile: files.certificate("a")).notAfter
        let ended = await servers.client.run { context in
            var ended: [Int] = []
            for now in [end - 1, end, end + 1] {
                _ = await ask(context, proven)
                ended.append(context.loop.endExpired(TransportError(.expired, "over"), now: now))
            }
            return (ended, context.pool.dialled)
        }
        #expect(ended.0 == [0, 1, 1])
        #expect(ended.1 == 2, "the one that was ended is not used again")
    }

    /// The answer after a renewal is the last on its connection, also where the peer would keep it.
    @Test func aRenewedServerLetsOldConnectionsGo() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let servers = try await Servers.start(tls: try files.context(.server, "a", .none), echo)
        defer { servers.stop() }
        let leaf = TLSContext.Verification.custom { Trust.Digest.hex(Trust.Digest.sha256($0.leaf)) }
        let upstream = servers.upstream(tls: try files.context(.client, nil, leaf))
        let new = try files.context(.server, "b", .none)
        let dialled = await servers.client.run { context in
            var dialled: [Int] = []
            for index in 0..<4 {
                if index == 2 { servers.service.secured.replace(with: new) }
                _ = await ask(context, upstream)
                dialled.append(context.pool.dialled)
            }
            return dialled
        }
        #expect(dialled == [1, 1, 1, 2])
    }

    /// Certificates renew: new connections show the new one, those that exist go on.
    @Test func aServersCertificateIsSwapped() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let servers = try await Servers.start(tls: try files.context(.server, "a", .none), echo)
        defer { servers.stop() }
        let leaf = TLSContext.Verification.custom { Trust.Digest.hex(Trust.Digest.sha256($0.leaf)) }
        let first = servers.upstream(tls: try files.context(.client, nil, leaf))
        let (before, kept, after) = await servers.client.run { context in
            let before = await peer(context, first)
            if let new = try? files.context(.server, "b", .none) { servers.service.secured.replace(with: new) }
            return (before, await peer(context, first), await peer(context, first, fresh: true))
        }
        #expect(before == kept)
        #expect(before != after && !after.isEmpty)
    }

    /// Both sides renew in the middle of a stream: it goes on to its end over the connection that it has, and the next request is made over
    /// a new one with the new certificates.
    @Test func bothSidesRenewInMidStream() async throws {
        let files = try Certificates()
        defer { files.remove() }
        let leaf = TLSContext.Verification.custom { Trust.Digest.hex(Trust.Digest.sha256($0.leaf)) }
        func context(_ role: TLSContext.Role, _ node: String) throws -> TLSContext {
            try files.context(role, node, leaf, protocols: ["meshnode/1"], onlyNewest: true)
        }
        let renewed = Counter()
        let servers = try await Servers.start(tls: try context(.server, "a")) { exchange in
            let alarm = Alarm(loop: exchange.worker.loop)
            exchange.startAnswer(200)
            exchange.endFields(.streamed)
            do throws(TransportError) {
                try await exchange.write(exchange.stream.peerIdentity as? String ?? "")
                while renewed.count == 0 { await alarm.sleep(nanoseconds: 1_000_000) }
                for _ in 0..<1000 { try await exchange.write(array: [UInt8](repeating: 120, count: 1000)) }
                try await exchange.finishAnswer()
            } catch {}
        }
        defer { servers.stop() }
        let source = TLSSource(try context(.client, "a"))
        let upstream = Upstream(
            target: HostPort(host: servers.address.host, port: servers.address.port), securedBy: source)
        let (newServer, newClient) = (try context(.server, "b"), try context(.client, "b"))
        let service = servers.service
        let first = await servers.client.run { context in
            await stream(context, upstream) {
                service.secured.replace(with: newServer)
                source.replace(with: newClient)
                renewed.raise()
            }
        }
        let second = await servers.client.run { await stream($0, upstream) {} }
        #expect(first.bytes == 1_000_064 && second.bytes == first.bytes)
        #expect(first.peer != second.peer && first.client != second.client)
        #expect(first.client == first.peer && second.client == second.peer, "each side shows the same node's certificate")
    }

    private struct Streamed: Sendable {
        var peer = ""
        var client = ""
        var bytes = 0
    }

    /// Reads a streamed answer to its end; calls `meanwhile` once its first bytes have come.
    private func stream(
        _ context: WorkerContext, _ upstream: Upstream, meanwhile: () -> Void
    ) async -> Streamed {
        var found = Streamed()
        do throws(TransportError) {
            let connection = try await context.pool.acquire(upstream, deadline: soon(context))
            found.peer = connection.stream.peerIdentity as? String ?? ""
            connection.startRequest("GET", "/")
            connection.endFields()
            try await connection.stream.flush()
            _ = try await connection.readHead(deadline: soon(context))
            while let part = try await connection.nextBodyPart(deadline: soon(context)) {
                if found.bytes == 0 {
                    found.client = String(decoding: part.prefix(64), as: UTF8.self)
                    meanwhile()
                }
                found.bytes += part.count
            }
            context.pool.release(connection)
        } catch { found.bytes = -1 }
        return found
    }

    private func peer(_ context: WorkerContext, _ upstream: Upstream, fresh: Bool = false) async -> String {
        do throws(TransportError) {
            let connection = try await context.pool.acquire(upstream, fresh: fresh, deadline: soon(context))
            connection.startRequest("GET", "/")
            connection.endFields()
            try await connection.stream.flush()
            _ = try await connection.readHead(deadline: soon(context))
            while try await connection.nextBodyPart(deadline: soon(context)) != nil {}
            let peer = connection.stream.peerIdentity as? String ?? ""
            context.pool.release(connection)
            return peer
        } catch { return "" }
    }
}

extension Stream {
    /// Ends our direction of the socket under TLS, then the connection.
    fileprivate func cutWithoutWords() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        tls?.sentCloseNotify = true
        close()
    }
}
