import Foundation
import Gossip

/// Signs with a hash over a secret that follows from the signer's name. A token: name length, name, signature, JSON.
struct FakeAuthority: RecordAuthority {
    var signer: NodeID
    /// Signs with a key that nobody certified.
    var isForger = false
    /// A number that makes the same content another token, as random signatures do.
    var salt: UInt8 = 0

    static func certificate(of node: NodeID, key: Int = 1) -> String { "\(node)#\(key)" }

    func sign(_ record: Record) throws(SigningFailure) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let body = try? encoder.encode(record) else { throw SigningFailure("not encodable") }
        let name = Array(signer.description.utf8)
        let payload = [salt] + body
        let signature = FakeAuthority.hash(name + (isForger ? [1] : [0]) + payload)
        return [UInt8(name.count)] + name + signature + payload
    }

    func open(_ token: [UInt8], identity: Identity?) throws(RecordRefusal) -> Record {
        guard let length = token.first.map(Int.init), token.count > length + 10 else { throw .malformed }
        let name = Array(token[1...length])
        let payload = Array(token[(length + 9)...])
        guard let record = try? JSONDecoder().decode(Record.self, from: Data(payload.dropFirst())) else { throw .malformed }
        guard FakeAuthority.hash(name + [0] + payload) == Array(token[(length + 1)..<(length + 9)]) else {
            throw .badSignature
        }
        guard Array(record.origin.description.utf8) == name else { throw .wrongOrigin }
        if record.body.kind != .identity, identity == nil { throw .unknownOrigin }
        return record
    }

    private static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return (0..<8).map { UInt8(truncatingIfNeeded: hash >> ($0 * 8)) }
    }
}

func node(_ name: String) -> NodeID { NodeID(site: name, node: "n1") }

func identity(of id: NodeID, draining: Bool = false, key: Int = 1, expires: UInt64 = 1_800_000_000) -> Identity {
    Identity(
        api: "https://\(id.site):8100", mesh: "\(id.site):8200", certificate: FakeAuthority.certificate(of: id, key: key),
        certificateExpires: expires, software: "test", draining: draining)
}

func catalog(_ models: String..., state: ModelState = .running) -> Catalog {
    Catalog(models: models.map { Variant(id: $0, state: state, backend: "simulated") })
}

func load(running: Int, waiting: Int = 0, slots: Int = 8) -> Load {
    Load(models: [ModelLoad(id: "m", slots: slots, running: running, waiting: waiting)])
}
