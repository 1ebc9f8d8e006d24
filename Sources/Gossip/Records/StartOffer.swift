/// What a site says of starting a model that does not run just now. A start spends its node-hours, so it has the last word.
public struct StartOffer: Codable, Sendable, Equatable {
    public static let any = "*"
    public static let sitesAllowed = 64
    static let siteBytesAllowed = 190
    public static let secondsAllowed = 0.0...604_800.0
    /// Seconds that a start is taken to take where nobody has told.
    public static let usualSeconds = 600.0

    /// Entry sites whose users it is started for, beside its own; `*`: all.
    public var sites: [String]
    /// From its start to its first answer, as expected.
    public var seconds: Double
    /// Nobody has measured or configured that.
    public var isGuess: Bool
    /// Its site keeps it running: it starts it by itself where it has stopped.
    public var isKept: Bool

    public init(sites: [String], seconds: Double, isGuess: Bool = false, isKept: Bool = false) {
        self.sites = sites
        self.seconds = seconds
        self.isGuess = isGuess
        self.isKept = isKept
    }

    /// What may be told to others; nil: nobody knows.
    public var toldSeconds: Double? { isGuess ? nil : seconds }

    private enum Key: String, CodingKey {
        case sites, seconds
        case isGuess = "guess"
        case isKept = "kept"
    }

    /// Reads a peer's.
    ///
    /// - Throws: for more sites or longer names than there may be, and for a time that is none.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        sites = try members.decode([String].self, forKey: .sites)
        seconds = try members.decode(Double.self, forKey: .seconds)
        isGuess = try members.decodeIfPresent(Bool.self, forKey: .isGuess) ?? false
        isKept = try members.decodeIfPresent(Bool.self, forKey: .isKept) ?? false
        guard sites.count <= Self.sitesAllowed, sites.allSatisfy({ $0.utf8.count <= Self.siteBytesAllowed }),
            Self.secondsAllowed.contains(seconds)
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .sites, in: members, debugDescription: "no offer to start a model")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Key.self)
        try members.encode(sites, forKey: .sites)
        try members.encode(seconds, forKey: .seconds)
        if isGuess { try members.encode(true, forKey: .isGuess) }
        if isKept { try members.encode(true, forKey: .isKept) }
    }

    /// Whether it is for users who came to a site, which is not its own.
    public func isFor(_ site: String) -> Bool { sites.contains(site) || sites.contains(Self.any) }
}
