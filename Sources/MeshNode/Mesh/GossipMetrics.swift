import Gossip

/// What gossip counts, for `/metrics`.
struct GossipMetrics: Sendable {
    var counters: Counters
    /// Bytes of all signed records held.
    var recordBytes: Int
    var graves: Int
    /// Nodes in each state, this one among them.
    var nodes: [Gossip.NodeState: Int]

    var text: String {
        var text = ""
        for (name, help, value) in totals { text += Self.metric(name, help, "counter", [("", value)]) }
        text += Self.metric(
            "meshnode_gossip_refusals_total", "Records refused, by cause.", "counter",
            RecordRefusal.allCases.map { ("{cause=\"\($0.rawValue)\"}", counters.refusals[$0] ?? 0) })
        text += Self.metric(
            "meshnode_gossip_record_bytes", "Bytes of all signed records held.", "gauge", [("", UInt64(recordBytes))])
        text += Self.metric(
            "meshnode_gossip_graves", "Nodes that died or left, whose records are refused.", "gauge", [("", UInt64(graves))])
        text += Self.metric(
            "meshnode_gossip_nodes", "Nodes of the federation, by the state they are held in.", "gauge",
            Gossip.NodeState.allCases.map { ("{state=\"\($0.rawValue)\"}", UInt64(nodes[$0] ?? 0)) })
        return text
    }

    private var totals: [(String, String, UInt64)] {
        [
            ("meshnode_gossip_exchanges_total", "Gossip exchanges begun.", counters.exchangesBegun),
            ("meshnode_gossip_exchanges_failed_total", "Gossip exchanges that failed.", counters.exchangesFailed),
            ("meshnode_gossip_exchanges_answered_total", "Gossip exchanges of peers answered.", counters.exchangesAnswered),
            (
                "meshnode_gossip_exchanges_put_off_total",
                "Gossip exchanges not begun, for want of budget or of room in the round.", counters.exchangesPutOff
            ),
            (
                "meshnode_gossip_requests_refused_total", "Gossip exchanges of peers that ask too often, not answered.",
                counters.requestsRefused
            ),
            (
                "meshnode_gossip_replies_cut_total", "Replies cut to an acknowledgement, or left out, for want of budget.",
                counters.repliesCut
            ),
            (
                "meshnode_gossip_deltas_cut_total", "Messages that did not hold all the records asked for.",
                counters.deltasCut
            ),
            (
                "meshnode_gossip_greylisted_total", "Times that a peer was greylisted: nothing of what it says counts.",
                counters.peersGreylisted
            ),
            ("meshnode_gossip_sent_bytes_total", "Bytes of gossip sent, with their HTTP heads.", counters.bytesSent),
            (
                "meshnode_gossip_received_bytes_total", "Bytes of gossip received, with their HTTP heads.",
                counters.bytesReceived
            ),
            ("meshnode_gossip_records_total", "Records of other nodes taken.", counters.recordsAccepted),
            ("meshnode_gossip_records_opened_total", "Records whose signatures were checked.", counters.recordsOpened),
            ("meshnode_gossip_records_sent_total", "Records sent, other nodes' among them.", counters.recordsSent),
        ]
    }

    /// - Parameter samples: labels in braces, and values.
    private static func metric(_ name: String, _ help: String, _ type: String, _ samples: [(String, UInt64)]) -> String {
        "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n" + samples.map { "\(name)\($0.0) \($0.1)\n" }.joined()
    }
}
