// Version 1: fixed widths, big-endian.

extension Message {
    var byteCount1: Int {
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
}

extension WireWriter {
    mutating func version1(_ message: Message) {
        count(message.claims.count, limit: WireLimits.claims)
        for claim in message.claims {
            node(claim.node)
            integer(claim.version.generation, width: 5)
            integer(claim.version.sequence, width: 3)
            integer(claim.state.code, width: 1)
        }
        body(message.body)
    }

    private mutating func body(_ body: Message.Body) {
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
    mutating func version1() throws(CodecError) -> Message {
        var claims: [Claim] = []
        for _ in 0..<(try count(limit: WireLimits.claims, elementBytes: 13)) {
            let node = try node()
            let version = Version(generation: try integer(width: 5), sequence: try integer(width: 3))
            guard let state = NodeState(code: try integer(width: 1)) else { throw .badValue }
            claims.append(Claim(node: node, version: version, state: state))
        }
        return Message(try body(), claims: claims, version: 1)
    }

    private mutating func body() throws(CodecError) -> Message.Body {
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
