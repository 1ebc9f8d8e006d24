import Gossip

/// What becomes of one message on its way.
enum Passage: Equatable {
    case arrives(afterNanoseconds: UInt64)
    /// The connection broke under it, so long after it was sent.
    case breaks(afterNanoseconds: UInt64)
    case vanishes
}

extension NetworkModel {
    /// Bytes of a packet's payload on paths with a usual MTU.
    static let packetBytes = 1400
    /// Packets of one message that are drawn for one by one; the rest share their fate.
    static let packetsDrawn = 32
    /// Losses of one packet after which TCP's user has long given up.
    static let retransmissions = 7
    /// The delay of a lost SYN (RFC 6298, section 2.1).
    static let connectRetransmitSeconds = 1.0

    /// One-way seconds between two nodes: the same at all times for one seed.
    func pathSeconds(_ a: Int, _ b: Int, seed: UInt64) -> Double {
        let pair = UInt64(min(a, b)) << 32 | UInt64(max(a, b))
        let unit = Double(mix64(seed ^ mix64(pair)) >> 11) * 0x1p-53
        return delaySeconds.lowerBound + (delaySeconds.upperBound - delaySeconds.lowerBound) * unit
    }

    /// Draws one message's way.
    func passage(bytes: Int, pathSeconds: Double, _ random: inout SeededGenerator) -> Passage {
        var seconds = pathSeconds
        if jitterSeconds > 0 { seconds += jitterSeconds * random.unit() }
        if reorder > 0, random.unit() < reorder { seconds += 3 * pathSeconds * random.unit() }
        guard loss > 0 else { return .arrives(afterNanoseconds: VirtualTime.nanoseconds(seconds)) }
        var latest = 0.0
        for _ in 0..<min(1 + bytes / NetworkModel.packetBytes, NetworkModel.packetsDrawn) {
            switch packetDelay(first: retransmitSeconds, &random) {
            case .late(let delay): latest = max(latest, delay)
            case .gone: return .vanishes
            case .broken(let delay): return .breaks(afterNanoseconds: VirtualTime.nanoseconds(seconds + delay))
            }
        }
        return .arrives(afterNanoseconds: VirtualTime.nanoseconds(seconds + latest))
    }

    /// Draws what a new connection takes before its first request can go: one round trip for TCP and one for TLS 1.3.
    func handshake(pathSeconds: Double, _ random: inout SeededGenerator) -> Passage {
        var seconds = 4 * pathSeconds
        guard loss > 0 else { return .arrives(afterNanoseconds: VirtualTime.nanoseconds(seconds)) }
        for packet in 0..<4 {
            let first = packet < 2 ? NetworkModel.connectRetransmitSeconds : retransmitSeconds
            switch packetDelay(first: first, &random) {
            case .late(let delay): seconds += delay
            case .gone: return .vanishes
            case .broken(let delay): return .breaks(afterNanoseconds: VirtualTime.nanoseconds(seconds + delay))
            }
        }
        return .arrives(afterNanoseconds: VirtualTime.nanoseconds(seconds))
    }

    private enum Packet {
        case late(Double)
        case gone
        case broken(Double)
    }

    private func packetDelay(first: Double, _ random: inout SeededGenerator) -> Packet {
        var delay = 0.0
        var wait = first
        var losses = 0
        while random.unit() < loss {
            if datagrams { return .gone }
            losses += 1
            delay += wait
            wait *= 2
            if losses > NetworkModel.retransmissions || random.unit() < resetPerLoss { return .broken(delay) }
        }
        return .late(delay)
    }
}
