// Version 2: counts, generations and sequences take as many bytes as they need (LEB128). What is small most of the time, a summary, an
// announcement, an acknowledgement, is a third to a half smaller than in version 1; nothing else differs.

extension Message {
    var byteCount2: Int {
        let claimBytes = claims.reduce(0) {
            $0 + $1.node.wireByteCount + 1 + $1.version.generation.variableByteCount + $1.version.sequence.variableByteCount
        }
        let bodyBytes =
            switch body {
            case .summary(let summary): 8 + UInt64(summary.nodes).variableByteCount
            case .buckets: 512
            case .digest(_, let entries): 8 + entries.variableByteCount
            case .delta(let delta):
                1 + UInt64(delta.items.count).variableByteCount + delta.items.reduce(0) { $0 + $1.variableByteCount }
                    + delta.wants.variableByteCount
            case .announce(let entries): entries.variableByteCount
            case .ping, .ack: 0
            case .probe(let node): node.wireByteCount
            case .probeResult(let node, _): node.wireByteCount + 1
            }
        return 2 + UInt64(claims.count).variableByteCount + claimBytes + bodyBytes
    }
}

extension WireWriter {
    mutating func version2(_ message: Message) {
        variableCount(message.claims.count, limit: WireLimits.claims)
        for claim in message.claims {
            node(claim.node)
            variable(claim.version.generation)
            variable(claim.version.sequence)
            integer(claim.state.code | (claim.isHearsay ? 0x80 : 0), width: 1)
        }
        integer(UInt64(message.body.code), width: 1)
        switch message.body {
        case .summary(let summary):
            integer(summary.hash, width: 8)
            variable(UInt64(summary.nodes))
        case .buckets(let hashes):
            precondition(hashes.count == 64, "there are 64 buckets")
            for hash in hashes { integer(hash, width: 8) }
        case .digest(let mask, let entries):
            integer(mask, width: 8)
            self.variable(entries)
        case .delta(let delta):
            integer((delta.isNews ? 1 : 0) | (delta.hasMore ? 2 : 0), width: 1)
            variableCount(delta.items.count, limit: WireLimits.items)
            for item in delta.items { variable(item) }
            variable(delta.wants)
        case .announce(let entries): variable(entries)
        case .ping, .ack: break
        case .probe(let id): node(id)
        case .probeResult(let id, let reachable):
            node(id)
            integer(reachable ? 1 : 0, width: 1)
        }
    }

    private mutating func variableCount(_ value: Int, limit: Int) {
        precondition(value <= limit, "more elements than the wire form allows")
        variable(UInt64(value))
    }

    private mutating func variable(_ item: DeltaItem) {
        precondition(item.token.count <= WireLimits.tokenBytes, "token larger than the wire form allows")
        integer(item.origin, width: 8)
        integer(UInt64(item.kind.rawValue), width: 1)
        variable(item.version.generation)
        variable(item.version.sequence)
        variable(UInt64(item.token.count))
        raw(item.token)
    }

    private mutating func variable(_ entries: [DigestEntry]) {
        variableCount(entries.count, limit: WireLimits.entries)
        for entry in entries {
            integer(entry.origin, width: 8)
            variable(entry.generation)
            variable(entry.identity)
            variable(entry.catalog)
            variable(entry.load)
        }
    }
}

extension WireReader {
    mutating func version2() throws(CodecError) -> Message {
        var claims: [Claim] = []
        for _ in 0..<(try variableCount(limit: WireLimits.claims, elementBytes: 7)) {
            let node = try node()
            let version = Version(
                generation: try variable(atMost: DigestEntry.maximumGeneration),
                sequence: try variable(atMost: DigestEntry.maximumSequence(of: .identity)))
            let code = try integer(width: 1)
            guard let state = NodeState(code: code & 0x7f) else { throw .badValue }
            claims.append(Claim(node: node, version: version, state: state, isHearsay: code & 0x80 != 0))
        }
        return Message(try body2(), claims: claims, version: 2)
    }

    private mutating func body2() throws(CodecError) -> Message.Body {
        let code = UInt8(try integer(width: 1))
        switch code {
        case 1:
            return .summary(
                Summary(hash: try integer(width: 8), nodes: UInt32(try variable(atMost: UInt64(UInt32.max)))))
        case 2:
            guard remaining >= 512 else { throw .truncated }
            var hashes: [UInt64] = []
            hashes.reserveCapacity(64)
            for _ in 0..<64 { hashes.append(try integer(width: 8)) }
            return .buckets(hashes)
        case 3: return .digest(mask: try integer(width: 8), try variableEntries())
        case 4: return .delta(try delta2())
        case 5: return .announce(try variableEntries())
        case 6: return .ping
        case 7: return .probe(try node())
        case 8: return .probeResult(try node(), reachable: try flag())
        case 9: return .ack
        default: throw .unknownKind(code)
        }
    }

    private mutating func delta2() throws(CodecError) -> Delta {
        let flags = try integer(width: 1)
        guard flags < 4 else { throw .badValue }
        var delta = Delta(isNews: flags & 1 != 0, hasMore: flags & 2 != 0)
        for _ in 0..<(try variableCount(limit: WireLimits.items, elementBytes: 12)) {
            let origin = try integer(width: 8)
            guard let kind = RecordKind(rawValue: UInt8(try integer(width: 1))) else { throw .badValue }
            let version = Version(
                generation: try variable(atMost: DigestEntry.maximumGeneration),
                sequence: try variable(atMost: DigestEntry.maximumSequence(of: kind)))
            let length = Int(try variable(atMost: UInt64(WireLimits.tokenBytes)))
            delta.items.append(DeltaItem(origin: origin, kind: kind, version: version, token: try bytes(length)))
        }
        delta.wants = try variableEntries()
        return delta
    }

    private mutating func variableEntries() throws(CodecError) -> [DigestEntry] {
        let count = try variableCount(limit: WireLimits.entries, elementBytes: 12)
        var entries: [DigestEntry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            entries.append(
                DigestEntry(
                    origin: try integer(width: 8), generation: try variable(atMost: DigestEntry.maximumGeneration),
                    identity: try variable(atMost: DigestEntry.maximumSequence(of: .identity)),
                    catalog: try variable(atMost: DigestEntry.maximumSequence(of: .catalog)),
                    load: try variable(atMost: DigestEntry.maximumSequence(of: .load))))
        }
        return entries
    }
}

extension DeltaItem {
    fileprivate var variableByteCount: Int {
        9 + version.generation.variableByteCount + version.sequence.variableByteCount
            + UInt64(token.count).variableByteCount + token.count
    }
}

extension [DigestEntry] {
    fileprivate var variableByteCount: Int {
        UInt64(count).variableByteCount
            + reduce(0) {
                $0 + 8 + $1.generation.variableByteCount + $1.identity.variableByteCount + $1.catalog.variableByteCount
                    + $1.load.variableByteCount
            }
    }
}
