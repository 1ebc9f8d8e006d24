import Transport

extension MeshPort {
    /// Answers one who is no node yet.
    func enrol(_ exchange: HTTPExchange, _ enrolment: any Enrolment) async {
        let address = exchange.stream.remoteAddress
        if let seconds = strangers.refuses(address?.host ?? "", now: exchange.worker.loop.now) {
            exchange.closesAfter = true
            let refusal = EnrolmentAnswer.refusal(
                429, "too_many_requests", "too many requests to join; try again in \(seconds) s")
            return await exchange.respond(status: refusal.status, contentType: "application/json", body: refusal.body) {
                $0.field("Retry-After", seconds)
            }
        }
        let isBundle = exchange.withPath { Self.equal($0, EnrolmentRoutes.bundlePath) }
        let isJoin = exchange.withPath { Self.equal($0, EnrolmentRoutes.joinPath) }
        switch exchange.head.method {
        case .get where isBundle: await send(await enrolment.bundle(), exchange)
        case .post where isJoin:
            // One join a connection.
            exchange.closesAfter = true
            do throws(HTTPSyntaxError) {
                let range = try await exchange.readBody(limit: EnrolmentRoutes.bodyBytes)
                await send(await enrolment.join(Array(exchange.headBytes[range]), from: address), exchange)
            } catch { await send(.refusal(error.status, "bad_body", error.reason), exchange) }
        default:
            exchange.closesAfter = true
            await send(.refusal(404, "unknown_route", "a stranger may only ask to join here"), exchange)
        }
    }

    private func send(_ answer: EnrolmentAnswer, _ exchange: HTTPExchange) async {
        await exchange.respond(status: answer.status, contentType: "application/json", body: answer.body)
    }
}
