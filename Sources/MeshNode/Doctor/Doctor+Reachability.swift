import CLinux
import Gossip
import Routing
import Transport

/// Whether the seeds are reached from here over mesh TLS, whether they reach this node, and what their clocks say.
extension Doctor {
    /// More seeds than these are not tried.
    private static let seedsTried = 8
    /// Clocks further apart than these are worth a word, and too far: identity assertions are taken 30 s early or late.
    private static let (fewSeconds, tooManySeconds) = (5.0, 30.0)

    mutating func reachability(_ worker: Worker, _ trust: MeshTrust, _ links: MeshLinks, _ ports: Ports) {
        let carriers = configuration.outbound?.carriers ?? []
        let places = (carriers + configuration.seeds.filter { !carriers.contains($0) }).prefix(Self.seedsTried)
        guard !places.isEmpty else {
            return add([
                .warn(
                    "seed", "no seeds: a node that none other names as its seed stays alone",
                    "name mesh addresses of others in seeds")
            ])
        }
        let standIn = configuration.outbound == nil && !ports.isRunning ? listenInstead(worker, trust) : nil
        let mayBeDialled = configuration.outbound == nil && (ports.isRunning || standIn != nil)
        var isAsked = false
        for place in places {
            let probe = MeshProbe(
                upstream: links.upstream(at: HostPort(host: place.host, port: UInt16(clamping: place.port))),
                port: configuration.listen.mesh.port)
            let result = Blocking.run {
                await worker.run { context -> Result<MeshProbe.Answer, TransportError> in
                    do throws(TransportError) {
                        return .success(try await probe.run(context.pool))
                    } catch { return .failure(error) }
                }
            }
            switch result {
            case .failure(let error): add([Self.unreached(place, error)])
            case .success(let answer) where answer.peer == trust.me: add([.ok("seed", "\(place) is this node itself")])
            case .success(let answer):
                let role = carriers.contains(place) ? ", a carrier" : ""
                add([
                    .ok("seed", "\(place) is \(answer.peer)\(role), \(short(answer.roundTripSeconds * 1000)) ms to connect")
                ])
                if answer.dialledBack != nil { add(Self.skew(answer)) }
                if mayBeDialled, let finding = Self.dialBack(answer) {
                    add([finding])
                    isAsked = true
                }
            }
        }
        if standIn != nil { Blocking.run { await worker.drain() } }
        if configuration.outbound != nil {
            add([.ok("dial-back", "this node takes no calls: its carriers bring them")])
        } else if !isAsked {
            add([
                .warn(
                    "dial-back", "no peer was asked to reach this node",
                    "start the node, or free its mesh port, and try again")
            ])
        }
    }

    /// Listens on the mesh port in the node's place; nil where that cannot be done.
    private func listenInstead(_ worker: Worker, _ trust: MeshTrust) -> ListeningSocket? {
        guard configuration.listen.mesh.port > 0, let address = try? configuration.listen.mesh.socketAddress,
            let socket = try? ListeningSocket.bind(address, count: 1)
        else { return nil }
        let service = HTTPService(handler: Stopgap(), securedBy: trust.serverTLS)
        Blocking.run { await worker.serve(socket, service) }
        return socket
    }

    static func skew(_ answer: MeshProbe.Answer) -> [Finding] {
        let ahead = answer.aheadSeconds
        let what = "\(answer.peer)'s is \(short(ahead.magnitude)) s \(ahead < 0 ? "behind" : "ahead of") this one"
        if ahead.magnitude > tooManySeconds {
            return [.fail("clock", what, "set the wrong one right: what either signs is refused as too early or too late")]
        }
        if ahead.magnitude > fewSeconds { return [.warn("clock", what, "let both be kept right by NTP")] }
        return [.ok("clock", what)]
    }

    static func dialBack(_ answer: MeshProbe.Answer) -> Finding? {
        guard let (result, address) = answer.dialledBack else {
            switch answer.status {
            case 404: return nil
            case 429: return .warn("dial-back", "\(answer.peer) was asked too often", "try again in a minute")
            default: return .warn("dial-back", "\(answer.peer) answered \(answer.status) when asked to dial this node")
            }
        }
        switch result {
        case .reached: return .ok("dial-back", "\(answer.peer) reaches this node at \(address)")
        case .refused:
            return .fail(
                "dial-back", "\(answer.peer) finds nobody, or somebody else, at \(address)",
                "does advertise.mesh name the place that leads to listen.mesh? look at port forwarding and NAT")
        case .timedOut:
            return .fail(
                "dial-back", "\(answer.peer) gets no answer from \(address)",
                "inbound TCP to it is dropped: give the network team meshnode doctor --firewall")
        }
    }

    static func unreached(_ seed: HostAndPort, _ error: TransportError) -> Finding {
        let advice: String
        switch error.code {
        case .timedOut:
            advice = "outbound TCP to it is dropped, or it is down: give the network team meshnode doctor --firewall"
        case .unknownHost: advice = "is its name right in seeds? does this machine's DNS know it?"
        case .tls, .handshakeCut:
            advice =
                "a certificate of another federation, a wrong clock, or a device in between that opens TLS: exempt \(seed) from it"
        default: advice = "does a node listen there? is the address in seeds right?"
        }
        return .fail("seed", "\(seed) is not reached: \(error.message)", advice)
    }
}

/// Answers in the node's place while a peer tries to reach it: the handshake is all that counts.
private struct Stopgap: HTTPHandler {
    func handle(_ exchange: HTTPExchange) async {
        exchange.closesAfter = true
        await exchange.respond(status: 503, contentType: "text/plain", body: "this node is not started yet\n")
    }

    func refused(_ error: TransportError, from address: SocketAddress?) {}
}
