import Gossip
import Transport

/// The carrier's two routes. A node that takes no calls parks connections here; a caller has one of them joined to its own. Both sides
/// end their TLS with us in order, and shake hands again with each other: what passes then is opaque to us.
extension MeshPort {
    public static let parkPath: StaticString = "/meshnode/v1/park"
    public static let carryPath: StaticString = "/meshnode/v1/carry"
    /// Names the node that a caller wants, `site/node`.
    public static let targetField: StaticString = "Meshnode-Target"

    /// Keeps a peer's connection until somebody calls for it.
    func park(_ exchange: HTTPExchange, _ peer: NodeID) async {
        guard let carrier else { return await refuseCarriage(exchange, 404, "not_a_carrier") }
        let link = ParkedLink(node: peer)
        guard carrier.park(link) else { return await refuseCarriage(exchange, 429, "too_many_parked") }
        exchange.prepareToSwitch()
        exchange.stream.limitSilence(milliseconds: Self.silenceMilliseconds)
        defer { carrier.remove(link) }
        guard await isClaimed(link, exchange, carrier.settings.keepAlive) else {
            // Nothing is lost: whoever was parked comes again.
            link.end(nil)
            return exchange.stream.close()
        }
        do throws(TransportError) {
            let deadline = exchange.worker.loop.now &+ Dialler.endNanoseconds
            link.end(try await exchange.switchToRaw(deadline: deadline))
        } catch { link.end(nil) }
    }

    /// Waits for a caller, saying now and then that we live; false when the peer has gone.
    private func isClaimed(_ link: ParkedLink, _ exchange: HTTPExchange, _ keepAlive: UInt64) async -> Bool {
        while true {
            do throws(TransportError) {
                try await exchange.sendInterim()
            } catch { return false }
            let parking = Parking()
            guard link.rest(with: parking) else { return true }
            switch await parking.wait(for: exchange.stream, deadline: exchange.worker.loop.now &+ keepAlive) {
            case .granted: return true
            case .clientGone: return false
            case .timedOut: guard link.rise() else { return true }
            }
        }
    }

    /// What was sent and is not acknowledged for this long has nobody at its other end.
    private static let silenceMilliseconds: Int32 = 30_000

    /// Joins a caller with the node it wants.
    func carry(_ exchange: HTTPExchange, _ peer: NodeID) async {
        guard let carrier else { return await refuseCarriage(exchange, 404, "not_a_carrier") }
        guard let target = exchange.text(named: "meshnode-target").flatMap(NodeID.init(text:)) else {
            return await refuseCarriage(exchange, 400, "no_target")
        }
        guard carrier.beginSplice(for: peer) else { return await refuseCarriage(exchange, 503, "too_many_splices") }
        defer { carrier.endSplice(for: peer) }
        exchange.prepareToSwitch()
        let loop = exchange.worker.loop
        guard let other = await carrier.takeSoon(target, on: loop, isWanted: { !exchange.clientIsGone }) else {
            carrier.refuse()
            return await refuseCarriage(exchange, 503, "not_parked_here")
        }
        do throws(TransportError) {
            let own = try await exchange.switchToRaw(deadline: loop.now &+ Dialler.endNanoseconds)
            let splice = Splice(own, other, on: loop, idleLimit: carrier.settings.idle) { carrier.carried($0) }
            _ = await splice?.run()
        } catch {}
    }

    private func refuseCarriage(_ exchange: HTTPExchange, _ status: Int, _ why: String) async {
        let body = #"{"error":{"message":"\#(why)","type":"server_error","param":null,"code":"\#(why)"}}"#
        await exchange.respond(status: status, contentType: "application/json", body: body) {
            $0.field("Meshnode-Refused", why)
        }
    }
}

extension NodeID {
    /// Reads `site/node`; nil for anything else.
    init?(text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ Self.isLabel($0.utf8) }) else { return nil }
        self.init(site: String(parts[0]), node: String(parts[1]))
    }

    private static func isLabel(_ bytes: Substring.UTF8View) -> Bool {
        (1...63).contains(bytes.count) && bytes.first != 45 && bytes.last != 45
            && bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }
}
