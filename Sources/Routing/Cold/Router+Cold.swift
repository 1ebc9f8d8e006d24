import CLinux
import Gossip
import Synchronization
import Transport

/// Starts that this node has asked for lately, so that many requests for one model ask once.
final class StartsAsked: Sendable {
    private let asked = Mutex<[String: UInt64]>([:])
    static let interval: UInt64 = 2_000_000_000

    /// Whether to ask now: true for one of those that come within two seconds.
    func mayAsk(_ place: String, now: UInt64) -> Bool {
        asked.withLock {
            if let last = $0[place], now &- last < Self.interval { return false }
            if $0.count >= 1024 { $0 = $0.filter { now &- $0.value < Self.interval } }
            $0[place] = now
            return true
        }
    }
}

extension Router {
    /// Nanoseconds between two looks at the view while a start is waited for.
    private static let look: UInt64 = 200_000_000
    /// A start that is late by this part of what was promised is not relied on any more.
    private static let slip = 0.5

    /// Waits until a model that runs nowhere runs somewhere, and has it started where a site's policy consents.
    ///
    /// - Parameter failure: why it can be had nowhere.
    /// - Returns: nil when there is a place for it now; otherwise what the client is told.
    func awaitStart(
        _ request: ForwardRequest, _ model: String, _ failure: RoutingFailure, _ exchange: HTTPExchange
    ) async -> RoutingFailure? {
        let loop = exchange.worker.loop
        var declined: UInt64 = 0
        var refusals: [String] = []
        var promised: (index: Int, by: UInt64)?
        while true {
            guard let routes = view.routes[model] else { return failure }
            let candidates = routes.candidates
            if candidates.contains(where: { choice.exclusion(of: $0, for: request.needs) == nil }) { return nil }
            let plan = ColdPlan.plan(candidates, for: request.needs, choice, site: me.site, declined: declined)
            var (index, seconds) = (0, 0.0)
            switch plan {
            case .none:
                if refusals.isEmpty || declined == 0 { return failure }
                var told = failure
                told.message += "; asked to start it: " + refusals.joined(separator: "; ")
                return told
            case .wait(let found, let left): (index, seconds) = (found, left)
            case .start(let found, let left):
                (index, seconds) = (found, left)
                if let why = await ask(routes, found, request, exchange) {
                    declined |= 1 << UInt64(found)
                    if refusals.count < 8 { refusals.append("\(candidates[found].node.siteName): \(why)") }
                    continue
                }
            }
            // What is late may never come: another place is started beside it.
            let end = loop.now &+ UInt64(max(seconds, 1) * (1 + Self.slip) * 1e9)
            if promised?.index != index { promised = (index, end) }
            if let promised, loop.now > promised.by { declined |= 1 << UInt64(index) }
            if seconds * 1e9 >= Double(request.patience - min(loop.now, request.patience)) {
                return Self.notYet(model, at: candidates[index].node.siteName, seconds)
            }
            await Alarm(loop: loop).sleep(nanoseconds: Self.look)
            if exchange.clientIsGone { return RoutingFailure(.clientGone, status: 499, "the client went away") }
        }
    }

    private static func notYet(_ model: String, at site: String, _ seconds: Double) -> RoutingFailure {
        let whole = Int(min(seconds.rounded(.up), 86_400))
        var failure = RoutingFailure(
            .noneRunning, status: 503, "\(model) is being started at site \(site) and is expected in \(whole) s",
            retryAfterSeconds: max(1, min(whole, 600)))
        failure.etaSeconds = seconds.rounded()
        return failure
    }

    /// Asks a place to start a model.
    ///
    /// - Returns: nil where it will, else why not.
    private func ask(
        _ routes: ModelRoutes, _ index: Int, _ request: ForwardRequest, _ exchange: HTTPExchange
    ) async -> String? {
        let candidate = routes.candidates[index]
        switch routes.targets[index] {
        case .local(let model):
            if case .refused(let why) = model.start(for: nil, request.needs.user?.identity, log: tells) {
                return why
            }
            return nil
        case .peer(let upstream):
            guard startsAsked.mayAsk("\(candidate.node) \(routes.id)", now: exchange.worker.loop.now) else { return nil }
            do throws(TransportError) {
                let answer = try await exchange.worker.pool.request(
                    upstream, method: "POST", target: MeshPort.startPath.description,
                    fields: [("Meshnode-Model", routes.id), ("Meshnode-Request-Id", request.requestID)], limit: 16_384,
                    deadline: min(exchange.worker.loop.now &+ 10_000_000_000, request.deadline),
                    checkPeer: { (stream) throws(TransportError) in
                        guard stream.peerIdentity as? NodeID == candidate.node else {
                            throw TransportError(.tls, "another node answers where \(candidate.node) was expected")
                        }
                    },
                    identify: { stream -> [(StaticString, String)] in
                        guard let word = assertion(of: request, for: candidate, over: stream) else { return [] }
                        return [("Meshnode-Identity", String(decoding: word, as: UTF8.self))]
                    })
                return answer.status == 202 ? nil : "it answered \(answer.status)"
            } catch { return error.message }
        }
    }
}
