/// What one node has sent since the beginning, over all its lives.
struct Traffic {
    /// TLS payload: messages with their HTTP heads.
    var payload: UInt64 = 0
    /// Its half of the handshakes of new connections.
    var handshakes: UInt64 = 0
    /// All of it with TLS, TCP and IP around, and acknowledgements: an estimate.
    var wire: UInt64 = 0
    /// Exchanges begun.
    var exchanges: UInt64 = 0

    /// What counts against an aim: handshakes are no payload, but are paid all the same.
    var counted: UInt64 { payload + handshakes }

    static func - (a: Traffic, b: Traffic) -> Traffic {
        Traffic(
            payload: a.payload - b.payload, handshakes: a.handshakes - b.handshakes, wire: a.wire - b.wire,
            exchanges: a.exchanges - b.exchanges)
    }

    static func += (a: inout Traffic, b: Traffic) {
        a.payload += b.payload
        a.handshakes += b.handshakes
        a.wire += b.wire
        a.exchanges += b.exchanges
    }
}
