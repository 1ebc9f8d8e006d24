import Transport

extension InferenceHandler {
    func json(_ exchange: HTTPExchange, _ status: Int, _ text: String) async {
        await exchange.respond(status: status, contentType: "application/json", body: text)
    }

    func refuse(_ exchange: HTTPExchange, _ refusal: Refusal) async {
        await json(exchange, refusal.status, refusal.json)
    }

    /// A refusal by the router of vLLM's web framework, which has a shape of its own.
    func detail(_ exchange: HTTPExchange, _ status: Int, _ text: String, allow: StaticString? = nil) async {
        await exchange.respond(status: status, contentType: "application/json", body: "{\"detail\":\"\(text)\"}") {
            if let allow { $0.field("Allow", allow) }
        }
    }

    /// 503 while the model starts. The body, which vLLM leaves empty, tells the state.
    func health(_ exchange: HTTPExchange, _ state: SimulatedServerSettings.FirstState) async {
        let isStarting = state == .starting || state == .queued
        await json(exchange, isStarting ? 503 : 200, "{\"status\":\"\(state.rawValue)\",\"simulated\":true}")
    }

    func models(_ exchange: HTTPExchange, _ server: InferenceServer, _ state: SimulatedServerSettings.FirstState) async {
        if state == .starting || state == .queued {
            return await refuse(exchange, .unavailable("model is \(state.rawValue)"))
        }
        let model = JSONText.quoted(server.settings.model)
        let card =
            "{\"id\":\(model),\"object\":\"model\",\"created\":\(server.created),\"owned_by\":\"meshnode-simulation\","
            + "\"root\":\(model),\"parent\":null,\"max_model_len\":\(server.settings.contextTokens),\"permission\":[]}"
        await json(exchange, 200, "{\"object\":\"list\",\"data\":[\(state == .running ? card : "")]}")
    }

    /// One request for text or vectors, from its body to the end of its answer.
    func infer(
        _ kind: InferenceRequest.Kind, _ exchange: HTTPExchange, _ server: InferenceServer,
        _ state: SimulatedServerSettings.FirstState
    ) async {
        guard state == .running else {
            let isStarting = state == .starting || state == .queued
            return await refuse(exchange, .unavailable(isStarting ? "model is \(state.rawValue)" : "model not running"))
        }
        let request: InferenceRequest
        do throws(HTTPSyntaxError) {
            let body = try await exchange.readBody(limit: Self.bodyBytesAllowed)
            let bytes = UnsafeRawBufferPointer(rebasing: exchange.headBytes[body])
            do throws(Refusal) {
                request = try InferenceRequest.read(kind, bytes, settings: server.settings)
            } catch {
                return await refuse(exchange, error)
            }
        } catch {
            exchange.closesAfter = true
            let type = error.status < 500 ? "BadRequestError" : "ServiceUnavailableError"
            return await refuse(exchange, Refusal(error.status, type, error.reason))
        }
        guard await server.slots.take(for: exchange.stream) else {
            server.metrics.end("abort")
            return exchange.stream.close()
        }
        defer { server.slots.give() }
        let failure = server.drawFailure(streams: request.streams)
        guard failure != .atOnce else {
            server.metrics.end("error")
            return await refuse(exchange, Refusal(500, "InternalServerError", "simulated failure"))
        }
        server.metrics.promptTokens += request.promptTokens
        let generation = Generation(request, exchange, server)
        do throws(TransportError) {
            switch (kind, request.streams) {
            case (.embedding, _): try await generation.embed()
            case (_, true): try await generation.stream(breakingOff: failure == .midStream)
            case (_, false): try await generation.whole()
            }
        } catch {
            server.metrics.end("abort")
            // The client has left, so that nothing can be told; an answer begun and not ended is seen as cut.
            exchange.stream.close()
        }
    }
}
