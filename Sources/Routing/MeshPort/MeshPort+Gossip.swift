import Gossip
import Transport

/// What a gossip exchange that a peer began comes to.
public enum GossipAnswer: Sendable {
    /// The encoded reply; empty for a bare `ack` on the short path.
    case reply([UInt8])
    /// Its bytes are no message.
    case notUnderstood
    /// The peer is over its budget, or scored down: it is told so in a few bytes, and to come again costs it a handshake.
    case unanswered
}

extension MeshPort {
    func exchangeGossip(_ exchange: HTTPExchange, _ peer: NodeID) async {
        let message: [UInt8]
        do throws(HTTPSyntaxError) {
            let range = try await exchange.readBody(limit: WireLimits.messageBytes)
            message = Array(exchange.headBytes[range])
        } catch { return await answer(exchange, error.status, "bad_body", error.reason) }
        let isShort = exchange.withPath { Self.equal($0, Self.shortGossipPath) }
        switch await gossip(peer, message, isShort) {
        case .reply(let bytes): await exchange.respondTersely(bytes)
        case .notUnderstood:
            exchange.closesAfter = true
            await exchange.respondTersely([], status: 400)
        case .unanswered:
            exchange.closesAfter = true
            await exchange.respondTersely([], status: 429)
        }
    }
}
