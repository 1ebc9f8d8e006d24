import CLinux
import Gossip
import Transport

extension Router {
    /// What becomes of an error that one of this node's own servers answered.
    enum OwnAnswer {
        /// It is as good for the client as for us.
        case passOn
        /// The server was shown a token that is no longer good; there is another.
        case again
        case settled(Attempt)
    }

    /// Sees to it that there is a token for a server that wants one.
    func prepare(_ server: InferenceServer?, _ exchange: HTTPExchange) async -> Attempt? {
        guard let server, let credential = server.credential else { return nil }
        await credential.prepare()
        if exchange.clientIsGone { return .clientGone }
        guard server.authorization == nil else { return nil }
        return .failed(
            RoutingFailure(.unreachable, status: 502, "site \(me.site) has no token for its server just now"))
    }

    /// Looks at an answer of one of this node's own servers before any of it has gone to the client.
    ///
    /// - Parameters:
    ///   - shown: the `Authorization` it was sent.
    ///   - mayRepeat: the request was not repeated yet.
    func settle(
        _ status: Int, _ connection: HTTPClientConnection, _ server: InferenceServer, shown: String?, mayRepeat: Bool,
        _ exchange: HTTPExchange, fields: (HTTPExchange) -> Void
    ) async -> OwnAnswer {
        guard status >= 400, server.credential != nil || server.gateway != nil else { return .passOn }
        if status == 401, let credential = server.credential {
            let body = await readError(connection)
            if mayRepeat, await credential.renew(refused: shown) { return .again }
            if server.gateway == nil {
                let why = "the server of site \(me.site) refuses the site's own key"
                server.tell("\(why): \(FirstError(status: 401, body: body).message.prefix(300))")
                return .settled(.failed(RoutingFailure(.unreachable, status: 502, why)))
            }
            return await settle(FirstError(status: status, body: body), nil, server, exchange, fields: fields)
        }
        guard server.gateway != nil else { return .passOn }
        let seconds = connection.head.first(.retryAfter).flatMap {
            Int(String(decoding: connection.headBytes[$0], as: UTF8.self))
        }
        let body = await readError(connection)
        return await settle(FirstError(status: status, body: body), seconds, server, exchange, fields: fields)
    }

    private func settle(
        _ error: FirstError, _ retryAfterSeconds: Int?, _ server: InferenceServer, _ exchange: HTTPExchange,
        fields: (HTTPExchange) -> Void
    ) async -> OwnAnswer {
        let verdict = FirstVerdict(error, retryAfterSeconds: retryAfterSeconds, site: me.site)
        return .settled(await verdict.carryOut(server, exchange, site: me.site, fields: fields))
    }

    /// Bytes of an error that are read; what is longer is cut, and then mostly no longer understood.
    private static let errorBytes = 256 << 10

    private func readError(_ connection: HTTPClientConnection) async -> [UInt8] {
        var body: [UInt8] = []
        do throws(TransportError) {
            let deadline = connection.stream.now &+ 5_000_000_000
            while body.count < Self.errorBytes, let part = try await connection.nextBodyPart(deadline: deadline) {
                body.append(contentsOf: part)
            }
        } catch {}
        return body
    }
}

extension FirstVerdict {
    /// Answers the client with the last word on its request, or tells why another site should be tried.
    ///
    /// - Parameter site: this node's own.
    func carryOut(
        _ server: InferenceServer, _ exchange: HTTPExchange, site: String, fields: (HTTPExchange) -> Void
    ) async -> Attempt {
        switch self {
        case .failure(let failure, let operatorMessage):
            if let operatorMessage { server.tell(operatorMessage) }
            return .failed(failure)
        case .answer(let status, let body):
            if exchange.clientIsGone { return .clientGone }
            if exchange.headIsOut {
                let refusal = LateFailure(status: status, body: Array(body.utf8), site: site)
                do throws(TransportError) { try await exchange.say(refusal) } catch { return .clientGone }
                return .answered
            }
            await exchange.respond(status: status, contentType: "application/json", body: body, fields: fields)
            return .answered
        }
    }
}
