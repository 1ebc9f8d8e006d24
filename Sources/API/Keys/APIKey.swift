import Gossip
import Routing
import Synchronization
import Transport
import Trust

/// What a key may be used for, beside what its owner may do.
struct KeyLimits: Codable, Sendable, Equatable {
    /// Ids of models; nil: all that the owner may use.
    var models: [String]?
    /// The project that it is used for; kept and shown.
    var project: String?
    /// Tokens from one midnight (UTC) to the next, as estimated before each request.
    var tokensPerDay: Int?
    /// Blocks of addresses that it may be used from; nil: any.
    var networks: [String]?

    static let modelsAllowed = 64
    static let networksAllowed = 32
    static let tokensPerDayAllowed = 1...1_000_000_000_000
    static let textBytesAllowed = 256
}

/// One API key, without its secret. The owner's identity is shared by all keys of one owner.
public final class APIKey: Sendable {
    let id: String
    let name: String
    let digest: SHA256Digest
    let owner: KeyOwner
    /// Seconds since 1970.
    let createdAt: UInt64
    let expiresAt: UInt64
    let limits: KeyLimits
    private let networks: [NetworkBlock]
    private let use: Mutex<Use>

    /// What changes with each use.
    struct Use: Sendable, Equatable {
        /// Seconds since 1970; 0: never.
        var lastUsedAt: UInt64 = 0
        /// Days since 1970 to which `tokens` belong.
        var day: UInt64 = 0
        var tokens = 0
        /// When this was last written down.
        var savedAt: UInt64 = 0
    }

    init(
        id: String, name: String, digest: SHA256Digest, owner: KeyOwner, createdAt: UInt64, expiresAt: UInt64,
        limits: KeyLimits, use: Use = Use()
    ) {
        self.id = id
        self.name = name
        self.digest = digest
        self.owner = owner
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.limits = limits
        networks = (limits.networks ?? []).compactMap { NetworkBlock($0) }
        self.use = Mutex(use)
    }

    var used: Use { use.withLock { $0 } }

    /// Seconds between two times that a key's use is written down: a crash forgets that much of it.
    static let saveSeconds: UInt64 = 60

    /// Notes a use; returns what is to be written down, if it is time for that.
    func note(nowSeconds: UInt64) -> Use? {
        use.withLock {
            $0.lastUsedAt = nowSeconds
            guard nowSeconds >= $0.savedAt + Self.saveSeconds || nowSeconds < $0.savedAt else { return nil }
            $0.savedAt = nowSeconds
            return $0
        }
    }

    /// Whether it may be used from an address. One that is not known is none of those allowed.
    func allows(_ address: SocketAddress?) -> Bool {
        guard limits.networks != nil else { return true }
        guard let address else { return false }
        return networks.contains { $0.contains(address) }
    }

    func allows(model id: String) -> Bool { limits.models?.contains(id) ?? true }

    /// Takes tokens of today's share; false when they are not there.
    func spend(_ tokens: Int, nowSeconds: UInt64) -> Bool {
        guard let limit = limits.tokensPerDay else { return true }
        let today = nowSeconds / 86_400
        return use.withLock {
            if $0.day != today {
                $0.day = today
                $0.tokens = 0
            }
            guard tokens <= limit - $0.tokens else { return false }
            $0.tokens += tokens
            return true
        }
    }
}

/// Who made keys: the identity as it was seen last, by which they are checked at each use.
final class KeyOwner: Sendable {
    let subject: String
    private let state: Mutex<State>

    struct State: Sendable {
        var user: RequestUser
        /// When the identity provider last told of the user, seconds since 1970.
        var seenAt: UInt64
    }

    init(_ identity: UserIdentity, seenAt: UInt64) {
        subject = identity.subject
        state = Mutex(State(user: RequestUser(identity), seenAt: seenAt))
    }

    var current: State { state.withLock { $0 } }

    /// Takes what was told anew.
    ///
    /// - Returns: whether it is worth writing down: something changed, or the last time is long ago.
    func saw(_ identity: UserIdentity, at nowSeconds: UInt64, recheckSeconds: UInt64) -> Bool {
        state.withLock {
            if $0.user.identity == identity, nowSeconds < $0.seenAt + recheckSeconds { return false }
            if $0.user.identity != identity { $0.user = RequestUser(identity) }
            $0.seenAt = nowSeconds
            return true
        }
    }
}

/// The form of a key: `mk_SITE_ID_SECRET`, the secret 256 bits in base64url.
enum KeyText {
    static let prefix = "mk_"
    /// Hexadecimal digits of an id: 48 bits, unique at one site surely.
    static let idDigits = 12
    static let bytesAllowed = 256

    static func make(site: String) -> (id: String, text: String) {
        let id = Digest.hex(Random.bytes(idDigits / 2))
        return (id, "\(prefix)\(site)_\(id)_\(Random.token())")
    }

    /// The site that made a key; nil for what is none.
    static func site(_ token: UnsafeRawBufferPointer) -> String? {
        guard token.count <= bytesAllowed, token.starts(with: prefix.utf8) else { return nil }
        let rest = token.dropFirst(prefix.utf8.count)
        guard let end = rest.firstIndex(of: UInt8(ascii: "_")) else { return nil }
        let site = rest[rest.startIndex..<end]
        let isLabel = site.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") }
        return isLabel && (1...63).contains(site.count) ? String(decoding: site, as: UTF8.self) : nil
    }
}
