import Gossip

/// The binary form of the records that simulated nodes make: the one form in which each can be written.
enum CanonicalRecord {
    static func write(_ record: Record, to writer: inout ByteWriter) {
        writer.text(record.federation)
        writer.text(record.origin.site)
        writer.text(record.origin.node)
        writer.integer(record.version.generation, width: 8)
        writer.integer(record.version.sequence, width: 8)
        writer.integer(record.issuedAt, width: 8)
        writer.integer(UInt64(record.body.kind.rawValue), width: 1)
        switch record.body {
        case .identity(let identity): write(identity, to: &writer)
        case .catalog(let catalog):
            writer.integer(UInt64(catalog.models.count), width: 2)
            for model in catalog.models { writer.text(model.id) }
        case .load(let load):
            writer.integer(UInt64(load.models.count), width: 2)
            for model in load.models {
                writer.text(model.id)
                for number in [model.slots, model.running, model.waiting] {
                    writer.integer(UInt64(truncatingIfNeeded: number), width: 8)
                }
            }
        }
    }

    static func read(_ reader: inout ByteReader) throws(RecordRefusal) -> Record {
        let federation = try reader.text()
        let origin = NodeID(site: try reader.text(), node: try reader.text())
        let version = Version(generation: try reader.integer(width: 8), sequence: try reader.integer(width: 8))
        let issuedAt = try reader.integer(width: 8)
        guard let kind = RecordKind(rawValue: UInt8(try reader.integer(width: 1))) else { throw .malformed }
        let body: RecordBody
        switch kind {
        case .identity: body = .identity(try readIdentity(&reader))
        case .catalog:
            var models: [Variant] = []
            for _ in 0..<(try reader.integer(width: 2)) { models.append(.simulated(try reader.text())) }
            body = .catalog(Catalog(models: models))
        case .load:
            var models: [ModelLoad] = []
            for _ in 0..<(try reader.integer(width: 2)) {
                let id = try reader.text()
                models.append(
                    ModelLoad(
                        id: id, slots: try reader.count(), running: try reader.count(), waiting: try reader.count()))
            }
            body = .load(Load(models: models))
        }
        return Record(federation: federation, origin: origin, version: version, issuedAt: issuedAt, body: body)
    }

    private static func write(_ identity: Identity, to writer: inout ByteWriter) {
        for text in [identity.api, identity.mesh, identity.certificate, identity.software] { writer.text(text) }
        writer.integer(identity.certificateExpires, width: 8)
        writer.integer((identity.draining ? 1 : 0) | (identity.left ? 2 : 0), width: 1)
        writer.integer(UInt64(identity.gossip ?? 0), width: 1)
    }

    private static func readIdentity(_ reader: inout ByteReader) throws(RecordRefusal) -> Identity {
        let api = try reader.text()
        let mesh = try reader.text()
        let certificate = try reader.text()
        let software = try reader.text()
        let expires = try reader.integer(width: 8)
        let flags = try reader.integer(width: 1)
        guard flags < 4 else { throw .malformed }
        var identity = Identity(
            api: api, mesh: mesh, certificate: certificate, certificateExpires: expires, software: software,
            draining: flags & 1 != 0, left: flags & 2 != 0)
        let gossip = UInt8(try reader.integer(width: 1))
        identity.gossip = gossip == 0 ? nil : gossip
        return identity
    }
}

extension Variant {
    /// What simulated nodes offer.
    static func simulated(_ id: String) -> Variant { Variant(id: id, state: .running, backend: "simulated") }
}
