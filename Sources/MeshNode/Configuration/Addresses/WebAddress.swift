/// The parts of a base URL (RFC 3986), as far as settings need them: no user, query or fragment, since secrets do not belong
/// in a URL and paths are appended to it.
struct WebAddress: Hashable, Sendable {
    /// `http` or `https`.
    var scheme: String
    /// A DNS name or an address; IPv6 without brackets.
    var host: String
    /// The port written, or the scheme's own.
    var port: Int
    /// Empty, or begins with `/`.
    var path: String

    /// The longest URL that is taken.
    static let bytesAllowed = 2048

    /// Reads `http://127.0.0.1:8000/v1`; nil where it is not of this form.
    init?(_ text: String) {
        guard text.utf8.count <= Self.bytesAllowed, Names.isVisible(text) else { return nil }
        guard !text.utf8.contains(where: { "\"<>\\^`{|}?#".utf8.contains($0) }) else { return nil }
        let schemes = ["http": 80, "https": 443]
        guard let mark = text.utf8.firstIndex(of: UInt8(ascii: ":")), text[mark...].hasPrefix("://") else { return nil }
        let scheme = text[..<mark].lowercased()
        guard let ownPort = schemes[scheme] else { return nil }
        let rest = text[mark...].dropFirst(3)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        if let peer = HostAndPort(String(authority)), peer.port > 0 {
            (host, port) = (peer.host, peer.port)
        } else if let alone = HostAndPort.host(String(authority)) {
            (host, port) = (alone, ownPort)
        } else {
            return nil
        }
        self.scheme = scheme
        path = String(rest[slash...])
    }
}
