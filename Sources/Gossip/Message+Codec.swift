// The wire form: version, claims, kind, body. Any node of this or the version before must be able to read it.

extension Message {
    /// The wire form. Traps where the machine broke its own limits, since the other end would refuse it.
    public func encode() -> [UInt8] {
        var writer = WireWriter(capacity: encodedByteCount)
        writer.integer(UInt64(WireLimits.version), width: 1)
        writer.count(claims.count, limit: WireLimits.claims)
        for claim in claims {
            writer.node(claim.node)
            writer.integer(claim.version.generation, width: 5)
            writer.integer(claim.version.sequence, width: 3)
            writer.integer(claim.state.code, width: 1)
        }
        writer.body(body)
        precondition(writer.bytes.count <= WireLimits.messageBytes, "message larger than the wire form allows")
        return writer.bytes
    }

    /// The length of `encode()`, without making it.
    public var encodedByteCount: Int {
        let claimBytes = claims.reduce(0) { $0 + $1.node.wireByteCount + 9 }
        let bodyBytes =
            switch body {
            case .summary: 12
            case .buckets: 512
            case .digest(_, let entries): 10 + entries.count * DigestEntry.byteCount
            case .delta(let delta):
                6 + delta.items.reduce(0) { $0 + 22 + $1.token.count } + delta.wants.count * DigestEntry.byteCount
            case .announce(let entries): 2 + entries.count * DigestEntry.byteCount
            case .ping, .ack: 0
            case .probe(let node): node.wireByteCount
            case .probeResult(let node, _): node.wireByteCount + 1
            }
        return 4 + claimBytes + bodyBytes
    }

    /// Reads a message from anyone.
    public static func decode(_ bytes: [UInt8]) throws(CodecError) -> Message {
        guard bytes.count <= WireLimits.messageBytes else { throw .tooLarge }
        var reader = WireReader(bytes)
        let version = UInt8(try reader.integer(width: 1))
        guard version == WireLimits.version else { throw .unknownVersion(version) }
        var claims: [Claim] = []
        for _ in 0..<(try reader.count(limit: WireLimits.claims, elementBytes: 13)) {
            let node = try reader.node()
            let version = Version(generation: try reader.integer(width: 5), sequence: try reader.integer(width: 3))
            guard let state = NodeState(code: try reader.integer(width: 1)) else { throw .badValue }
            claims.append(Claim(node: node, version: version, state: state))
        }
        let message = Message(try reader.body(), claims: claims)
        guard reader.remaining == 0 else { throw .trailingBytes }
        return message
    }
}

extension WireWriter {
    fileprivate mutating func body(_ body: Message.Body) {
        integer(UInt64(body.code), width: 1)
        switch body {
        case .summary(let summary):
            integer(summary.hash, width: 8)
            integer(UInt64(summary.nodes), width: 4)
        case .buckets(let hashes):
            precondition(hashes.count == 64, "there are 64 buckets")
            for hash in hashes { integer(hash, width: 8) }
        case .digest(let mask, let entries):
            integer(mask, width: 8)
            self.entries(entries)
        case .delta(let delta):
            integer(delta.isNews ? 1 : 0, width: 1)
            integer(delta.hasMore ? 1 : 0, width: 1)
            count(delta.items.count, limit: WireLimits.items)
            for item in delta.items {
                integer(item.origin, width: 8)
                integer(UInt64(item.kind.rawValue), width: 1)
                integer(item.version.generation, width: 5)
                integer(item.version.sequence, width: 4)
                token(item.token)
            }
            entries(delta.wants)
        case .announce(let entries): self.entries(entries)
        case .ping, .ack: break
        case .probe(let id): node(id)
        case .probeResult(let id, let reachable):
            node(id)
            integer(reachable ? 1 : 0, width: 1)
        }
    }

    private mutating func entries(_ entries: [DigestEntry]) {
        count(entries.count, limit: WireLimits.entries)
        for entry in entries {
            integer(entry.origin, width: 8)
            integer(entry.generation, width: 5)
            integer(entry.identity, width: 3)
            integer(entry.catalog, width: 4)
            integer(entry.load, width: 4)
        }
    }
}

extension WireReader {
    fileprivate mutating func body() throws(CodecError) -> Message.Body {
        let code = UInt8(try integer(width: 1))
        switch code {
        case 1: return .summary(Summary(hash: try integer(width: 8), nodes: UInt32(try integer(width: 4))))
        case 2:
            guard remaining >= 512 else { throw .truncated }
            var hashes: [UInt64] = []
            hashes.reserveCapacity(64)
            for _ in 0..<64 { hashes.append(try integer(width: 8)) }
            return .buckets(hashes)
        case 3: return .digest(mask: try integer(width: 8), try entries())
        case 4: return .delta(try delta())
        case 5: return .announce(try entries())
        case 6: return .ping
        case 7: return .probe(try node())
        case 8: return .probeResult(try node(), reachable: try flag())
        case 9: return .ack
        default: throw .unknownKind(code)
        }
    }

    private mutating func delta() throws(CodecError) -> Delta {
        var delta = Delta(isNews: try flag(), hasMore: try flag())
        for _ in 0..<(try count(limit: WireLimits.items, elementBytes: 22)) {
            let origin = try integer(width: 8)
            guard let kind = RecordKind(rawValue: UInt8(try integer(width: 1))) else { throw .badValue }
            let version = Version(generation: try integer(width: 5), sequence: try integer(width: 4))
            delta.items.append(DeltaItem(origin: origin, kind: kind, version: version, token: try token()))
        }
        delta.wants = try entries()
        return delta
    }

    private mutating func entries() throws(CodecError) -> [DigestEntry] {
        let count = try count(limit: WireLimits.entries, elementBytes: DigestEntry.byteCount)
        var entries: [DigestEntry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            entries.append(
                DigestEntry(
                    origin: try integer(width: 8), generation: try integer(width: 5), identity: try integer(width: 3),
                    catalog: try integer(width: 4), load: try integer(width: 4)))
        }
        return entries
    }
}

extension Message.Body {
    fileprivate var code: UInt8 {
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
    fileprivate var code: UInt64 {
        switch self {
        case .alive: 0
        case .suspect: 1
        case .unreachable: 2
        case .dead: 3
        case .left: 4
        }
    }

    fileprivate init?(code: UInt64) {
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
    fileprivate var wireByteCount: Int { 2 + site.utf8.count + node.utf8.count }
}
