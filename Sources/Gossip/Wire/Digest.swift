/// What someone holds of one origin, in 24 bytes on the wire: name hash 8, generation 5, sequences 3 (identity), 4 (catalog)
/// and 4 (load). All records of an origin are of one generation; sequence 0 is "not held".
public struct DigestEntry: Hashable, Sendable {
    /// Bytes of one entry on the wire.
    public static let byteCount = 24
    /// Largest generation: 40 bits of seconds last 34,000 years.
    public static let maximumGeneration: UInt64 = (1 << 40) - 1

    public var origin: UInt64
    public var generation: UInt64
    public var identity: UInt64
    public var catalog: UInt64
    public var load: UInt64

    public init(origin: UInt64, generation: UInt64 = 0, identity: UInt64 = 0, catalog: UInt64 = 0, load: UInt64 = 0) {
        self.origin = origin
        self.generation = generation
        self.identity = identity
        self.catalog = catalog
        self.load = load
    }

    package subscript(kind: RecordKind) -> UInt64 {
        get {
            switch kind {
            case .identity: identity
            case .catalog: catalog
            case .load: load
            }
        }
        set {
            switch kind {
            case .identity: identity = newValue
            case .catalog: catalog = newValue
            case .load: load = newValue
            }
        }
    }

    /// Largest sequence of a kind: what its field holds.
    static func maximumSequence(of kind: RecordKind) -> UInt64 {
        kind == .identity ? (1 << 24) - 1 : (1 << 32) - 1
    }

    /// Whether `other` (of the same origin) has anything that is newer than here.
    func isBehind(_ other: DigestEntry) -> Bool {
        if generation != other.generation { return generation < other.generation }
        return identity < other.identity || catalog < other.catalog || load < other.load
    }

    /// Whether a record of this kind and version is newer than what is held here.
    func lacks(_ kind: RecordKind, _ version: Version) -> Bool {
        generation == version.generation ? self[kind] < version.sequence : generation < version.generation
    }

    /// One number for all of it; the exclusive or over all entries summarises a view.
    var fingerprint: UInt64 {
        var hash = mix64(origin ^ 0x6d65_7368_6e6f_6465)
        hash = mix64(hash ^ generation)
        hash = mix64(hash ^ (identity << 32 | catalog))
        return mix64(hash ^ load)
    }
}

extension UInt64 {
    /// Which of the 64 buckets an origin belongs to.
    var bucket: Int { Int(self >> 58) }
}

/// A whole view in one number.
public struct Summary: Hashable, Sendable {
    public var hash: UInt64
    public var nodes: UInt32

    public init(hash: UInt64, nodes: UInt32) {
        self.hash = hash
        self.nodes = nodes
    }
}

extension NodeID {
    /// The name in 64 bits (FNV-1a, mixed). Two names that collide cannot both be members: the later is refused.
    package var digestHash: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in site.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ 0x2f) &* 0x100_0000_01b3
        for byte in node.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return mix64(hash)
    }

    /// Whether both parts match `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`.
    public var isValid: Bool { NodeID.isLabel(site.utf8) && NodeID.isLabel(node.utf8) }

    private static func isLabel(_ bytes: String.UTF8View) -> Bool {
        guard (1...63).contains(bytes.count), bytes.first != 0x2d, bytes.last != 0x2d else { return false }
        return bytes.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }
}
