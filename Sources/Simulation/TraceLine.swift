import Gossip

/// One thing that happened, for `simulate --trace`.
public struct TraceLine: Sendable {
    enum Event: Sendable {
        case step(Int, Step.Action)
        case start(NodeID, generation: UInt64)
        case request(NodeID, Contact, Message, bytes: Int)
        case answer(NodeID, NodeID, Message, bytes: Int)
        case failure(NodeID, ExchangeID, isTimeout: Bool)
        case change(NodeID, Change)
        case notice(NodeID, Notice)
    }

    let at: UInt64
    let event: Event

    init(at: UInt64, _ event: Event) {
        self.at = at
        self.event = event
    }

    /// An object of JSON on one line, the same on every machine.
    public var json: String {
        var fields = ["\"at\":\(VirtualTime.text(at))"]
        func add(_ name: String, _ value: String) { fields.append("\"\(name)\":\(TraceLine.quoted(value))") }
        func add(_ name: String, _ value: Int) { fields.append("\"\(name)\":\(value)") }
        switch event {
        case .step(let index, let action):
            add("event", "step")
            add("step", index)
            add("action", "\(action)")
        case .start(let node, let generation):
            add("event", "start")
            add("node", node.description)
            fields.append("\"generation\":\(generation)")
        case .request(let node, let contact, let message, let bytes):
            add("event", "request")
            add("from", node.description)
            add("to", contact.address)
            add("message", message.body.name)
            add("claims", message.claims.count)
            add("bytes", bytes)
        case .answer(let node, let peer, let message, let bytes):
            add("event", "answer")
            add("from", node.description)
            add("to", peer.description)
            add("message", message.body.name)
            add("claims", message.claims.count)
            add("bytes", bytes)
        case .failure(let node, let exchange, let isTimeout):
            add("event", isTimeout ? "timeout" : "reset")
            add("node", node.description)
            fields.append("\"exchange\":\(exchange.value)")
        case .change(let node, let change):
            add("event", "change")
            add("node", node.description)
            add("change", "\(change.words)")
        case .notice(let node, let notice):
            add("event", "notice")
            add("node", node.description)
            add("notice", "\(notice)")
        }
        return "{\(fields.joined(separator: ","))}"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            default: quoted.unicodeScalars.append(scalar.value < 0x20 ? " " : scalar)
            }
        }
        return quoted + "\""
    }
}

extension Change {
    fileprivate var words: String {
        switch self {
        case .nodeState(let id, let from, let to): "\(id) \(from?.rawValue ?? "new") -> \(to.rawValue)"
        case .record(let id, let kind): "\(id) \(kind)"
        case .forgotten(let id): "\(id) forgotten"
        }
    }
}

extension Message.Body {
    fileprivate var name: String {
        switch self {
        case .summary: "summary"
        case .buckets: "buckets"
        case .digest(_, let entries): "digest of \(entries.count)"
        case .delta(let delta): "delta of \(delta.items.count), wants \(delta.wants.count)"
        case .announce(let entries): "announce of \(entries.count)"
        case .ping: "ping"
        case .probe(let id): "probe of \(id)"
        case .probeResult(let id, let reachable): "\(id) \(reachable ? "answers" : "does not answer")"
        case .ack: "ack"
        }
    }
}
