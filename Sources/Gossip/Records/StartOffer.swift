/// What a site says of starting a model that does not run just now. A start spends its node-hours, so it has the last word.
public struct StartOffer: Codable, Sendable, Equatable {
    public static let any = "*"
    public static let sitesAllowed = 64
    static let siteBytesAllowed = 190
    public static let secondsAllowed = 0.0...604_800.0

    /// Entry sites whose users it is started for, beside its own; `*`: all.
    public var sites: [String]
    /// From its start to its first answer, as expected.
    public var seconds: Double

    public init(sites: [String], seconds: Double) {
        self.sites = sites
        self.seconds = seconds
    }

    private enum Key: String, CodingKey { case sites, seconds }

    /// Reads a peer's.
    ///
    /// - Throws: for more sites or longer names than there may be, and for a time that is none.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        sites = try members.decode([String].self, forKey: .sites)
        seconds = try members.decode(Double.self, forKey: .seconds)
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
    }

    /// Whether it is for users who came to a site, which is not its own.
    public func isFor(_ site: String) -> Bool { sites.contains(site) || sites.contains(Self.any) }
}
