// The wire form. The first byte is its version; any node of this or the version before must be able to read it.

extension Message {
    /// The wire form in `version`. Traps where the machine broke its own limits, since the other end would refuse it.
    public func encode() -> [UInt8] {
        var writer = WireWriter(capacity: encodedByteCount)
        writer.integer(UInt64(version), width: 1)
        if version == 1 { writer.version1(self) } else { writer.version2(self) }
        precondition(writer.bytes.count <= WireLimits.messageBytes, "message larger than the wire form allows")
        return writer.bytes
    }

    /// The length of `encode()`, without making it.
    public var encodedByteCount: Int { version == 1 ? byteCount1 : byteCount2 }

    /// Reads a message from anyone.
    public static func decode(_ bytes: [UInt8]) throws(CodecError) -> Message {
        guard bytes.count <= WireLimits.messageBytes else { throw .tooLarge }
        var reader = WireReader(bytes)
        let version = UInt8(try reader.integer(width: 1))
        guard WireLimits.versions.contains(version) else { throw .unknownVersion(version) }
        let message = version == 1 ? try reader.version1() : try reader.version2()
        guard reader.remaining == 0 else { throw .trailingBytes }
        return message
    }
}

extension Message.Body {
    var code: UInt8 {
        switch self {
        case .summary: 1
        case .buckets: 2
        case .digest: 3
        case .delta: 4
        case .announce: 5
        case .ping: 6
        case .probe: 7
        case .probeResult: 8
        case .ack: 9
        }
    }
}

extension NodeState {
    var code: UInt64 {
        switch self {
        case .alive: 0
        case .suspect: 1
        case .unreachable: 2
        case .dead: 3
        case .left: 4
        }
    }

    init?(code: UInt64) {
        switch code {
        case 0: self = .alive
        case 1: self = .suspect
        case 2: self = .unreachable
        case 3: self = .dead
        case 4: self = .left
        default: return nil
        }
    }
}

extension NodeID {
    var wireByteCount: Int { 2 + site.utf8.count + node.utf8.count }
}
