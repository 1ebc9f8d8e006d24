/// What a federation's operator gives to a facility that is to join: one line of text.
///
/// It says which site it is for, where to ask, whom to believe, and proves by a secret that is good once that the facility was meant. After the
/// join nothing in it is of use to anyone.
public struct InviteToken: Sendable, Equatable {
    /// SHA-256 of the root's certificate (DER): whoever answers must show a certificate below it before the secret is sent.
    public let pin: SHA256Digest
    /// 16 random bytes.
    public let secret: [UInt8]
    /// The mesh port to ask, `HOST:PORT`.
    public let address: String
    /// The federation, and the site in it, that the invitation is for.
    public let federation: String
    public let site: String
    /// The registration authority's own name: nobody else is sent the secret, not even another node of the federation.
    public let authoritySite: String
    public let authorityNode: String

    public static let prefix = "mnj1_"
    static let version: UInt8 = 1
    static let pinBytes = 32
    public static let secretBytes = 16
    static let checksumBytes = 4
    /// Bytes of the longest address, and characters of the longest token.
    public static let maximumAddressBytes = 260
    public static let maximumCharacters = 512

    /// - Throws: `.limitExceeded`, `.malformedName` for an address that cannot stand in a token.
    public init(
        root: Certificate, secret: [UInt8] = Random.bytes(secretBytes), federation: String, site: String,
        authority: (site: String, node: String), address: String
    ) throws(TrustError) {
        guard secret.count == Self.secretBytes else {
            throw TrustError(.limitExceeded, "a secret of an invitation has \(Self.secretBytes) bytes")
        }
        guard Self.isAddress(address.utf8) else {
            throw TrustError(.malformedName, "\"\(printable(address.utf8, limit: 64))\" is no address HOST:PORT")
        }
        guard SPIFFEID.isLabel(site), SPIFFEID.isFederation(federation), SPIFFEID.isLabel(authority.site),
            SPIFFEID.isLabel(authority.node)
        else {
            throw TrustError(
                .malformedName,
                "\"\(printable("\(federation)/\(site)".utf8, limit: 64))\" cannot name a federation and a site")
        }
        pin = root.der.withUnsafeBytes { Digest.sha256($0) }
        self.secret = secret
        self.address = address
        self.federation = federation
        self.site = site
        authoritySite = authority.site
        authorityNode = authority.node
    }

    /// Reads a token, white space around it aside. That it is whole is told here, without asking anybody.
    ///
    /// - Throws: `.malformedToken` saying whether this is no token, one of a later version, or one that was cut or altered.
    public init(_ text: String) throws(TrustError) {
        let trimmed = text.utf8.drop { $0 <= 0x20 }
        let bytes = Array(trimmed.reversed().drop { $0 <= 0x20 }.reversed())
        guard bytes.count <= Self.maximumCharacters else {
            throw TrustError(
                .malformedToken, "this is no invitation: it is longer than \(Self.maximumCharacters) characters")
        }
        guard bytes.starts(with: Self.prefix.utf8) else {
            throw TrustError(.malformedToken, "this is no invitation: one begins with \(Self.prefix)")
        }
        let altered = TrustError(
            .malformedToken, "this invitation was cut short or altered: copy it again, whole, on one line")
        guard let all = try? Base64.decodedURL(bytes[Self.prefix.utf8.count...]) else { throw altered }
        let least = 1 + Self.pinBytes + Self.secretBytes + Self.checksumBytes
        guard all.count > least else { throw altered }
        let body = Array(all.dropLast(Self.checksumBytes))
        guard Self.checksum(of: body) == Array(all.suffix(Self.checksumBytes)) else { throw altered }
        guard body[0] == Self.version else {
            throw TrustError(.malformedToken, "this invitation is of a later version of meshnode: install that one")
        }
        let pinEnd = 1 + Self.pinBytes
        let secretEnd = pinEnd + Self.secretBytes
        let words = body[secretEnd...].split(separator: UInt8(ascii: "@"), maxSplits: 1)
        guard let pin = SHA256Digest(hex: Digest.hex(Array(body[1..<pinEnd]))), words.count == 2, Self.isAddress(words[1])
        else { throw altered }
        let names = words[0].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard names.count == 4, SPIFFEID.isFederation(names[0]), names[1...].allSatisfy(SPIFFEID.isLabel) else {
            throw altered
        }
        self.pin = pin
        secret = Array(body[pinEnd..<secretEnd])
        address = String(decoding: words[1], as: UTF8.self)
        federation = names[0]
        site = names[1]
        authoritySite = names[2]
        authorityNode = names[3]
    }

    /// The token, to be given to the facility by a channel that others cannot read.
    public var text: String {
        let names = "\(federation)/\(site)/\(authoritySite)/\(authorityNode)"
        let body = [Self.version] + pin.bytes + secret + Array("\(names)@\(address)".utf8)
        return Self.prefix + Base64.encodeURL(body + Self.checksum(of: body))
    }

    /// What is kept of the secret at the node that takes the join.
    public var digest: SHA256Digest { secret.withUnsafeBytes { Digest.sha256($0) } }

    private static func checksum(of body: [UInt8]) -> [UInt8] { Array(Digest.sha256(body).prefix(checksumBytes)) }

    /// Visible ASCII with a port; who dials it reads it more strictly.
    private static func isAddress(_ bytes: some Collection<UInt8>) -> Bool {
        (3...maximumAddressBytes).contains(bytes.count) && bytes.allSatisfy { (0x21...0x7e).contains($0) }
            && bytes.contains(UInt8(ascii: ":"))
    }
}
