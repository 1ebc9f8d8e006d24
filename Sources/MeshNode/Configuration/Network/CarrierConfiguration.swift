/// What a node carries for others that cannot take calls.
struct CarrierConfiguration: Equatable, Sendable {
    /// Connections that one node may keep parked here.
    var parkedPerNode = 16
    /// Connections joined at once.
    var splices = 1024
    /// Without a byte for this long a joined pair is closed.
    var idleSeconds = 300.0

    static let parkedPerNodeAllowed = 1...256
    static let splicesAllowed = 1...100_000
}

extension CarrierConfiguration {
    /// nil unless it is enabled.
    static func decode(_ cursor: ConfigurationCursor) -> CarrierConfiguration? {
        guard cursor.isPresent else { return nil }
        return cursor.object { fields -> CarrierConfiguration? in
            let own = CarrierConfiguration()
            let carrier = CarrierConfiguration(
                parkedPerNode: fields["parkedPerNode"].integer(in: parkedPerNodeAllowed, default: own.parkedPerNode),
                splices: fields["splices"].integer(in: splicesAllowed, default: own.splices),
                idleSeconds: fields["idleSeconds"].duration(in: 1...86_400, default: own.idleSeconds))
            return fields["enabled"].boolean(default: false) ? carrier : nil
        }
    }

    func render(_ out: inout ConfigurationWriter) {
        out.comment("It carries calls to nodes that cannot take them, and reads nothing of what passes.")
        out.object("carrier") { out in
            out.field("enabled", .boolean(true))
            out.field("parkedPerNode", .integer(parkedPerNode))
            out.field("splices", .integer(splices))
            out.field("idleSeconds", .number(idleSeconds))
        }
    }
}

/// A node that takes no calls: who carries them to it.
struct OutboundConfiguration: Equatable, Sendable {
    static let carriersAllowed = 8
    static let parkedAllowed = 1...64

    /// Mesh addresses of its carriers.
    var carriers: [HostAndPort]
    /// Connections kept parked at each.
    var parkedPerCarrier = 4
}

extension OutboundConfiguration {
    /// nil for a node that is called at its own address.
    static func decode(_ fields: ConfigurationFields) -> OutboundConfiguration? {
        let carriers = fields["carriers"].list(atMost: carriersAllowed) { $0.hostAndPort() }
        let parked = fields["parkedPerCarrier"].integer(in: parkedAllowed, default: 4)
        guard !carriers.isEmpty else {
            if fields["parkedPerCarrier"].isPresent {
                fields["parkedPerCarrier"].fail("stands without carriers; allowed: beside carriers: [\"HOST:PORT\", …]")
            }
            return nil
        }
        let names = UniqueNames()
        for carrier in carriers { names.claim(carrier.description, by: fields["carriers"]) }
        return OutboundConfiguration(carriers: carriers, parkedPerCarrier: parked)
    }

    func render(_ out: inout ConfigurationWriter) {
        out.comment("It takes no calls: these nodes carry them, over connections that it makes itself.")
        out.field("carriers", .texts(carriers.map(\.description)))
        out.field("parkedPerCarrier", .integer(parkedPerCarrier))
    }
}
