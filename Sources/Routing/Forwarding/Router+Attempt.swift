import CLinux
import Gossip
import Transport

extension Router {
    /// Runs a request on a server of this node's own, once a slot is free.
    ///
    /// - Parameter queues: wait for a slot; otherwise a full gate refuses.
    func runHere(
        _ request: ForwardRequest, _ model: LocalModel, _ exchange: HTTPExchange, queues: Bool,
        fields: (HTTPExchange) -> Void
    ) async -> Attempt {
        if let refused = await enter(model, exchange, queues: queues, request.admission(at: me.siteName)) { return refused }
        return await run(request, model, Slot(of: model.gate), exchange, fields: fields)
    }

    /// Takes a slot of a model; nil when it has one, to be given back: make a `Slot` of it at once.
    ///
    /// - Parameter request: made only where there is no slot at once.
    func enter(
        _ model: LocalModel, _ exchange: HTTPExchange, queues: Bool, _ request: @autoclosure () -> AdmissionRequest
    ) async -> Attempt? {
        let gate = model.gate
        if gate.tryEnter(orRefuses: !queues) { return nil }
        guard queues || gate.isClosed else { return .refused(retryAfterSeconds: gate.retryAfterSeconds) }
        let request = request()
        do throws(Gate.Refusal) {
            try await gate.enter(request, for: exchange.stream)
            return nil
        } catch {
            switch error {
            case .full, .queueFull, .late: return .refused(retryAfterSeconds: gate.retryAfterSeconds)
            case .closed: return .failed(.stale("site \(me.site) has just released \(model.id)"))
            case .timedOut:
                if exchange.worker.loop.now >= request.deadline { return .failed(.deadline) }
                return .failed(
                    RoutingFailure(
                        .overloaded, status: 503, "no slot for \(model.id) came free at site \(me.site) in time",
                        retryAfterSeconds: gate.retryAfterSeconds))
            case .clientGone: return lost(exchange)
            }
        }
    }

    /// Runs a request that has its slot.
    func run(
        _ request: ForwardRequest, _ model: LocalModel, _ slot: consuming Slot, _ exchange: HTTPExchange,
        fields: (HTTPExchange) -> Void
    ) async -> Attempt {
        switch model.backend {
        case .server(let server):
            var reported = false
            return await attempt(
                request, server.upstream, exchange, .server(server, model: model.upstreamModel), site: me.site, peer: nil,
                load: nil, time: model.gate.load.firstByte, queues: false, reported: &reported,
                clock: clock(request, model, exchange), fields: fields)
        case .globus(let backend): return await runTask(request, model, backend, slot, exchange, fields: fields)
        }
    }

    /// Measures how long a stream's first token takes, and how fast the others come. An answer that comes whole says nothing of that.
    private func clock(_ request: ForwardRequest, _ model: LocalModel, _ exchange: HTTPExchange) -> FirstTokenClock? {
        guard request.isStream else { return nil }
        return FirstTokenClock(
            gate: model.gate, began: exchange.worker.loop.now, promptTokens: request.needs.promptTokens)
    }

    /// Sends a request to another node's mesh port.
    func send(
        _ request: ForwardRequest, model: String, to upstream: Upstream, _ candidate: Candidate, _ exchange: HTTPExchange,
        queues: Bool, fields: (HTTPExchange) -> Void
    ) async -> Attempt {
        exchange.underWay?.goes(to: candidate.node)
        candidate.load.began(now: exchange.worker.loop.now)
        var reported = false
        defer { candidate.load.ended(reported: reported) }
        return await attempt(
            request, upstream, exchange, .peer(model: model, queues: queues, identity: nil), site: candidate.node.siteName,
            peer: candidate, load: candidate.load, time: candidate.load.firstByte, queues: queues, reported: &reported,
            fields: fields)
    }

    /// One request on one connection, and again on a fresh one if the kept one turned out closed.
    private func attempt(
        _ request: ForwardRequest, _ upstream: Upstream, _ exchange: HTTPExchange, _ destination: RequestWriter.Destination,
        site: String, peer: Candidate?, load: LiveLoad?, time: FirstByteTime, queues: Bool, reported: inout Bool,
        clock: FirstTokenClock? = nil,
        fields: (HTTPExchange) -> Void
    ) async -> Attempt {
        let worker = exchange.worker
        var fresh = false
        var repeated = false
        // A carrier may be lost while the site behind it lives: what had no answer yet goes over another.
        var carriersLeft = upstream.isCarried ? 2 : 0
        let own: InferenceServer? = if case .server(let server, _) = destination { server } else { nil }
        while true {
            if let failure = await prepare(own, exchange) { return failure }
            let connection: HTTPClientConnection
            do throws(TransportError) {
                connection = try await worker.pool.acquire(
                    upstream, fresh: fresh, for: exchange.stream, deadline: request.deadline)
            } catch {
                exchange.stream.attempts.0 = nil
                return failed(error, site, exchange, isUnreached: error.code != .tls && error.code != .cancelled)
            }
            let wait = firstByteWait(request, time, queues: queues, now: worker.loop.now)
            do throws(TransportError) {
                var destination = destination
                if let peer {
                    try checkPeer(connection.stream, is: peer.node)
                    destination.say(assertion(of: request, for: peer, over: connection.stream))
                }
                let shown = own?.authorization
                let status: Int
                if let hedge = request.hedge {
                    switch try await race(request, connection, exchange, destination, wait, hedge) {
                    case .first(let came): status = came
                    case .second(let flight): return await goOn(with: flight, request, exchange, fields: fields)
                    }
                } else {
                    status = try await converse(request, connection, exchange, destination, wait)
                }
                if let own {
                    let answer = await settle(
                        status, connection, own, shown: shown, mayRepeat: !repeated, exchange, fields: fields)
                    if case .passOn = answer {} else { worker.pool.release(connection, for: exchange.stream) }
                    switch answer {
                    case .passOn: break
                    case .again:
                        repeated = true
                        continue
                    case .settled(let attempt): return attempt
                    }
                }
                return await take(
                    status, connection, request, exchange, site: site, own: own, load: load, reported: &reported,
                    clock: clock, wait: wait, fields: fields)
            } catch {
                exchange.stream.attempts.0 = nil
                connection.stream.close()
                let isStale = connection.isReused && !fresh
                if isStale || carriersLeft > 0, !connection.sawFirstByte, !exchange.clientIsGone,
                    error.code == .endOfStream || error.code == .connectionLost
                {
                    if !isStale { carriersLeft -= 1 }
                    fresh = true
                    counters.staleRetries.increment()
                    continue
                }
                if error.code == .timedOut, !exchange.clientIsGone, worker.loop.now < request.deadline {
                    return .failed(givenUp(wait, site: site, now: worker.loop.now))
                }
                return failed(error, site, exchange)
            }
        }
    }

    /// What comes of an answer whose head is there: it is relayed, or tells why another place should be tried.
    func take(
        _ status: Int, _ connection: HTTPClientConnection, _ request: ForwardRequest, _ exchange: HTTPExchange, site: String,
        own: InferenceServer?, load: LiveLoad?, reported: inout Bool, clock: FirstTokenClock?, wait: FirstByteWait,
        fields: (HTTPExchange) -> Void
    ) async -> Attempt {
        let worker = exchange.worker
        if let load, note(connection, load, now: worker.loop.now) { reported = status < 300 }
        if let early = await judge(status, connection, site: site) {
            worker.pool.release(connection, for: exchange.stream)
            return early
        }
        if status == 200 { wait.wholeCame(now: worker.loop.now) }
        let relay = Relay(
            exchange: exchange, source: TimedAnswer(source: connection, loop: worker.loop, clock: clock), site: site,
            stall: timeouts.stall, deadline: request.deadline, router: self, server: own, answer: request.answer, wait: wait,
            mayGoLonger: request.mayGoLonger, lengths: request.lengths, place: request.place)
        let attempt = await relay.run(decorate: fields)
        if case .answered = attempt {
            load?.succeeded(now: worker.loop.now)
            worker.pool.release(connection, for: exchange.stream)
        } else {
            exchange.stream.attempts.0 = nil
            connection.stream.close()
        }
        return attempt
    }

    func failed(
        _ error: TransportError, _ site: String, _ exchange: HTTPExchange, isUnreached: Bool = false
    ) -> Attempt {
        if exchange.clientIsGone { return .clientGone }
        if let failure = ended(error, exchange, site: site) { return .failed(failure) }
        var failure = RoutingFailure(.unreachable, status: 502, "site \(site) could not be reached: \(error.message)")
        failure.isUnreached = isUnreached
        return .failed(failure)
    }

    /// Sends the request and reads the answer's head.
    private func converse(
        _ request: ForwardRequest, _ connection: HTTPClientConnection, _ exchange: HTTPExchange,
        _ destination: RequestWriter.Destination, _ wait: FirstByteWait
    ) async throws(TransportError) -> Int {
        let waits = try await RequestWriter.send(request, of: exchange, to: connection, destination)
        var status = try await readHead(connection, stopAtContinue: waits, wait)
        if waits, status == 100, case .peer(let model, _, _) = destination {
            try await RequestWriter.sendBody(request, of: exchange, to: connection, model: model)
            status = try await readHead(connection, stopAtContinue: false, wait)
        }
        return status
    }

    func readHead(
        _ connection: HTTPClientConnection, stopAtContinue: Bool, _ wait: FirstByteWait
    ) async throws(TransportError) -> Int {
        do throws(TransportError) {
            return try await connection.readHead(stopAtContinue: stopAtContinue, deadline: wait.deadline)
        } catch {
            if givesUp(error, wait, now: connection.stream.now) { throw error }
            return try await connection.readHead(stopAtContinue: stopAtContinue, deadline: wait.last)
        }
    }

    /// The certificate at the other end must be the node that was meant.
    func checkPeer(_ stream: Stream, is expected: NodeID) throws(TransportError) {
        guard let found = stream.peerIdentity as? NodeID, found == expected else {
            throw TransportError(.tls, "another node answers where \(expected) was expected")
        }
    }

    /// Takes the load that a peer's answer carries; false if it carries none.
    func note(_ connection: HTTPClientConnection, _ load: LiveLoad, now: UInt64) -> Bool {
        guard let range = connection.head.first(named: "meshnode-load", in: connection.headBytes),
            let report = LoadReport(UnsafeRawBufferPointer(rebasing: connection.headBytes[range]))
        else { return false }
        load.update(slots: report.slots, running: report.running, waiting: report.waiting, now: now)
        return true
    }

    /// Answers that are not for the client yet: refusals, and failures that another site may make good.
    private func judge(_ status: Int, _ connection: HTTPClientConnection, site: String) async -> Attempt? {
        if status == 503, let why = connection.head.first(named: "meshnode-refused", in: connection.headBytes) {
            let isStale = equalsFolded(UnsafeRawBufferPointer(rebasing: connection.headBytes[why]), "not_running")
            let seconds = retryAfterSeconds(connection)
            await discard(connection)
            return isStale
                ? .failed(.stale("site \(site) does not run the model any more")) : .refused(retryAfterSeconds: seconds)
        }
        if status == 401 || status == 403,
            let why = connection.head.first(named: "meshnode-refused", in: connection.headBytes)
        {
            return .failed(await forbidden(connection, why, site: site))
        }
        guard status >= 500 || status == 429 else { return nil }
        let contentType = connection.head.first(.contentType).map {
            String(decoding: connection.headBytes[$0], as: UTF8.self)
        }
        let seconds = status == 429 || status == 503 ? retryAfterSeconds(connection) : nil
        let body = await discard(connection)
        var failure = RoutingFailure(
            status == 429 ? .overloaded : .unreachable, status: status, "the server at site \(site) answered \(status)",
            retryAfterSeconds: seconds)
        failure.answer = (status, contentType ?? "application/json", body)
        return .failed(failure)
    }

    /// When a place that is full would have us come again: an hour at most, whatever it says.
    private func retryAfterSeconds(_ connection: HTTPClientConnection) -> Int {
        guard let range = connection.head.first(.retryAfter),
            let seconds = Int(String(decoding: connection.headBytes[range].prefix(16), as: UTF8.self))
        else { return 5 }
        return min(max(seconds, 1), 3600)
    }

    /// Reads the rest of an answer, up to 64 KiB.
    @discardableResult
    func discard(_ connection: HTTPClientConnection) async -> [UInt8] {
        var body: [UInt8] = []
        do throws(TransportError) {
            let deadline = connection.stream.now &+ 5_000_000_000
            while body.count < 65_536, let part = try await connection.nextBodyPart(deadline: deadline) {
                body.append(contentsOf: part)
            }
        } catch {}
        return body
    }
}

extension Candidate {
    /// As it stands in `X-Mesh-Variant`.
    var variantText: String {
        "revision=\(variant.revision.value ?? "unknown"); dtype=\(variant.dtype.value ?? "unknown")"
    }
}

/// `slots=4; running=3; waiting=0`: a model's load at the moment of an answer, sent over the link that its origin authenticated.
struct LoadReport: Equatable {
    var slots: Int
    var running: Int
    var waiting: Int

    init(slots: Int, running: Int, waiting: Int) {
        self.slots = slots
        self.running = running
        self.waiting = waiting
    }

    /// nil unless it is exactly that, with numbers below a million.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var values = (0, 0, 0)
        var position = 0
        func number(after name: StaticString) -> Int? {
            guard bytes.count - position > name.utf8CodeUnitCount else { return nil }
            for index in 0..<name.utf8CodeUnitCount where bytes[position + index] != name.utf8Start[index] { return nil }
            position += name.utf8CodeUnitCount
            var value = 0
            let start = position
            while position < bytes.count, bytes[position] >= 48, bytes[position] <= 57, position - start < 6 {
                value = value * 10 + Int(bytes[position] - 48)
                position += 1
            }
            return position > start ? value : nil
        }
        guard let slots = number(after: "slots="), let running = number(after: "; running="),
            let waiting = number(after: "; waiting="), position == bytes.count
        else { return nil }
        values = (slots, running, waiting)
        self.init(slots: values.0, running: values.1, waiting: values.2)
    }

    var text: String { "slots=\(slots); running=\(running); waiting=\(waiting)" }
}
