/// A node's name in its certificate: `spiffe://<federation>/site/<site>/node/<node>` (SPIFFE-ID §2).
///
/// Only this one spelling is accepted: no upper case, port, user, query, fragment, percent encoding or empty segment. The
/// federation is one or more labels with dots between them, 253 bytes at most; site and node are labels
/// (`[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`).
public struct SPIFFEID: Hashable, Sendable, CustomStringConvertible {
    public let federation: String
    public let site: String
    public let node: String

    /// Bytes of the longest URI that is looked at.
    public static let maximumBytes = 512
    static let maximumFederationBytes = 253

    /// - Throws: `.malformedName` saying which part breaks the rules.
    public init(federation: String, site: String, node: String) throws(TrustError) {
        guard Self.isFederation(federation) else { throw Self.malformed("federation", federation) }
        guard Self.isLabel(site.utf8) else { throw Self.malformed("site", site) }
        guard Self.isLabel(node.utf8) else { throw Self.malformed("node", node) }
        self.federation = federation
        self.site = site
        self.node = node
    }

    /// - Throws: `.malformedName`.
    public init(uri: String) throws(TrustError) {
        let shown = printable(uri.utf8)
        guard uri.utf8.count <= Self.maximumBytes else {
            throw TrustError(.malformedName, "\(shown) is longer than \(Self.maximumBytes) bytes")
        }
        let parts = uri.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(Substring($0))
        }
        guard parts.count == 7, parts[0] == "spiffe:", parts[1].isEmpty, parts[3] == "site", parts[5] == "node" else {
            throw TrustError(.malformedName, "\(shown) is not of the form spiffe://federation/site/name/node/name")
        }
        try self.init(federation: parts[2], site: parts[4], node: parts[6])
    }

    public var uri: String { "spiffe://\(federation)/site/\(site)/node/\(node)" }
    public var description: String { uri }

    /// Whether a text may name a federation.
    static func isFederation(_ text: String) -> Bool {
        text.utf8.count <= maximumFederationBytes
            && text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(isLabel)
    }

    /// Whether a text may name a site or a node.
    static func isLabel(_ text: String) -> Bool { isLabel(text.utf8) }

    private static func isLabel(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        let dash = UInt8(ascii: "-")
        return (1...63).contains(bytes.count) && bytes.first != dash && bytes.last != dash
            && bytes.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || $0 == dash
            }
    }

    private static func malformed(_ part: String, _ text: String) -> TrustError {
        TrustError(
            .malformedName,
            "\"\(printable(text.utf8, limit: 64))\" is no name of a \(part): a-z, 0-9 and inner -, at most 63 bytes"
                + (part == "federation" ? " a label, labels joined by dots" : ""))
    }
}
