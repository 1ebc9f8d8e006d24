import Glibc

/// A host name or address with a port, written `host:port`, IPv6 addresses in brackets.
struct HostAndPort: Hashable, Sendable, CustomStringConvertible {
    /// A DNS name or an address; IPv6 without brackets.
    var host: String
    /// 0 to 65535.
    var port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`; nil where either is not well formed.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
            return nil
        }
        guard let host = Self.host(String(text[..<colon])) else { return nil }
        self.init(host: host, port: port)
    }

    /// The address behind a mesh URL, as identities and settings carry it: `https://host:port`.
    init?(meshURL url: String) {
        guard let address = WebAddress(url), address.scheme == "https", address.path.isEmpty || address.path == "/" else {
            return nil
        }
        self.init(host: address.host, port: address.port)
    }

    /// Whether a host is an IP address.
    static func isAddress(_ host: String) -> Bool { AddressBytes.parse(host) != nil }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Digits alone: `Int` would take a sign too.
    static func port(_ text: some StringProtocol) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy(Names.isDigit), let port = Int(text) else {
            return nil
        }
        return port <= 65535 ? port : nil
    }

    /// A DNS name (RFC 1123 §2.1, letters, digits and hyphens; underscores are common in containers), an IPv4 address, or
    /// an IPv6 address in brackets. Returned without brackets.
    static func host(_ text: String) -> String? {
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = String(text.dropFirst().dropLast())
            return inner.contains(":") && AddressBytes.parse(inner) != nil ? inner : nil
        }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let isName =
            text.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.utf8.first != UInt8(ascii: "-")
                    && label.utf8.last != UInt8(ascii: "-")
                    && label.utf8.allSatisfy {
                        Names.isLetter($0) || Names.isDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                    }
            }
        guard isName else { return nil }
        // A name whose last label is a number is an address, or a mistake (WHATWG URL §3.5).
        let endsInNumber = labels.last?.utf8.allSatisfy(Names.isDigit) ?? false
        return !endsInNumber || AddressBytes.parse(text) != nil ? text : nil
    }
}

/// IP addresses as their bytes.
enum AddressBytes {
    /// The 4 or 16 bytes of an address, nil for anything else. IPv6 zones (`fe80::1%eth0`) are not taken.
    static func parse(_ text: String) -> [UInt8]? {
        let isVersion6 = text.contains(":")
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: isVersion6 ? 16 : 4)
        return inet_pton(isVersion6 ? AF_INET6 : AF_INET, text, &bytes) == 1 ? bytes : nil
    }

    /// IPv4 addresses written in IPv6 (`::ffff:192.0.2.7`), as sockets of both versions give them, as IPv4.
    static func plain(_ bytes: [UInt8]) -> [UInt8] {
        let prefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        return bytes.count == 16 && bytes.starts(with: prefix) ? Array(bytes[12...]) : bytes
    }
}
