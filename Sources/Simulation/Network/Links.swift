/// Connections that are kept open, each used in the direction in which it was dialled.
struct Links {
    private struct Link {
        var usedAt: UInt64
        var dialler: UInt32
        var listener: UInt32
    }

    private var open: [UInt64: Link] = [:]

    /// Uses the connection between these lives of two nodes.
    ///
    /// - Returns: whether it was open; if not, it is now.
    mutating func use(
        _ from: Int, _ to: Int, dialler: UInt32, listener: UInt32, now: UInt64, keptFor idle: UInt64
    ) -> Bool {
        let key = Links.key(from, to)
        let link = open[key]
        open[key] = Link(usedAt: now, dialler: dialler, listener: listener)
        guard let link, link.dialler == dialler, link.listener == listener else { return false }
        return link.usedAt + idle >= now
    }

    mutating func close(_ from: Int, _ to: Int) { open[Links.key(from, to)] = nil }

    private static func key(_ from: Int, _ to: Int) -> UInt64 { UInt64(from) << 32 | UInt64(to) }
}
