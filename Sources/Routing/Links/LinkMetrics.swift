public import Gossip
import Synchronization
public import Transport

/// What is told of links between nodes: handshakes, and connections carried or parked. Prometheus text.
public final class LinkMetrics: Sendable {
    private let handshakes: HandshakeCounters
    private let desk: CarrierDesk?
    private let parker = Mutex<Parker?>(nil)

    public init(handshakes: HandshakeCounters, desk: CarrierDesk?) {
        self.handshakes = handshakes
        self.desk = desk
    }

    /// Tells of what is parked at carriers too.
    public func watch(_ parker: Parker) { self.parker.withLock { $0 = parker } }

    /// Where this node takes no calls: what is parked at each carrier; nil: it takes them.
    public var parked: [(carrier: HostPort, node: NodeID?, parked: Int)]? { parker.withLock { $0 }?.figures() }

    public var text: String {
        let name = "meshnode_mesh_handshakes_total"
        var out = "# HELP \(name) TLS handshakes with other nodes, by whether a request waited for them.\n"
        out += "# TYPE \(name) counter\n"
        out += "\(name){on=\"request\"} \(handshakes.onRequest.load(ordering: .relaxed))\n"
        out += "\(name){on=\"background\"} \(handshakes.inBackground.load(ordering: .relaxed))\n"
        if let desk { out += carrier(desk.figures()) }
        if let parker = parker.withLock({ $0 }) { out += outbound(parker) }
        return out
    }

    private func carrier(_ figures: CarrierDesk.Figures) -> String {
        var out = "# HELP meshnode_carrier_parked Connections that nodes keep parked here.\n"
        out += "# TYPE meshnode_carrier_parked gauge\n"
        for (node, count) in figures.parked { out += "meshnode_carrier_parked{node=\"\(node)\"} \(count)\n" }
        let rows: [(String, String, String, Int)] = [
            ("splices", "Connections joined just now.", "gauge", figures.splices),
            ("splices_total", "Connections joined.", "counter", figures.splicesEver),
            ("bytes_total", "Bytes carried for others, both ways.", "counter", figures.bytes),
            ("refused_total", "Requests to park or carry that were refused.", "counter", figures.refusals),
        ]
        for (name, help, type, value) in rows {
            out += "# HELP meshnode_carrier_\(name) \(help)\n# TYPE meshnode_carrier_\(name) \(type)\n"
            out += "meshnode_carrier_\(name) \(value)\n"
        }
        return out
    }

    private func outbound(_ parker: Parker) -> String {
        var out = "# HELP meshnode_parked Connections parked at a carrier.\n# TYPE meshnode_parked gauge\n"
        for (carrier, _, count) in parker.figures() { out += "meshnode_parked{carrier=\"\(carrier)\"} \(count)\n" }
        return out
    }
}
