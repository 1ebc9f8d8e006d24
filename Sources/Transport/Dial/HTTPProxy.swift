internal import COpenSSL

/// An HTTP CONNECT proxy (RFC 9110 §9.3.6): what it is asked with, and for whom it is not.
public final class HTTPProxy: Sendable {
    public let address: HostPort
    /// Credentials for Basic authentication (RFC 7617); nil: none.
    public let credentials: Credentials?
    /// Hosts that are reached without it.
    public let bypass: [Bypass]

    public struct Credentials: Sendable, Equatable {
        public let user: String
        public let password: String

        public init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    public init(address: HostPort, credentials: Credentials? = nil, bypass: [Bypass] = Bypass.loopback) {
        self.address = address
        self.credentials = credentials
        self.bypass = bypass
    }

    /// For errors: without the credentials.
    public var name: String { "http://\(address)" }

    /// How a host is reached where this proxy is set.
    public func way(to host: String) -> Way { covers(host) ? .proxy(self) : .direct }

    /// Whether connections to a host, a name or an address, go through the proxy. Names are not resolved for that.
    public func covers(_ host: String) -> Bool { !bypass.contains { $0.matches(host) } }

    /// The value of `Proxy-Authorization`.
    var authorization: String? {
        credentials.map { "Basic \(base64(Array("\($0.user):\($0.password)".utf8)))" }
    }

    /// Hosts that need no proxy.
    public enum Bypass: Sendable, Hashable {
        /// One name or address, as written.
        case host(String)
        /// All names that end in it; begins with a dot.
        case domain(String)
        /// A block of addresses.
        case block(bytes: [UInt8], prefixBits: Int)

        /// This machine itself.
        public static let loopback: [Bypass] = [
            .block(bytes: [127, 0, 0, 0], prefixBits: 8), .host("::1"), .host("localhost"),
        ]

        /// Reads `host`, `.domain`, `10.0.0.0/8` or an address; nil for anything else.
        public init?(_ text: String) {
            let text = text.lowercased()
            if let slash = text.firstIndex(of: "/") {
                guard let address = SocketAddress(literal: String(text[..<slash]), port: 0),
                    let bits = Int(text[text.index(after: slash)...]), (0...address.bytes.count * 8).contains(bits)
                else { return nil }
                self = .block(bytes: address.bytes, prefixBits: bits)
                return
            }
            let isName = text.utf8.allSatisfy {
                (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 || $0 == 95 || $0 == 58
            }
            guard isName, !text.isEmpty, text != ".", text.utf8.count <= 254 else { return nil }
            self = text.hasPrefix(".") ? .domain(text) : .host(text)
        }

        func matches(_ host: String) -> Bool {
            let host = host.lowercased()
            switch self {
            case .host(let own): return own == host
            case .domain(let own): return host.hasSuffix(own)
            case .block(let bytes, let bits):
                guard let address = SocketAddress(literal: host, port: 0), address.bytes.count == bytes.count else {
                    return false
                }
                return (0..<bits).allSatisfy { bit in
                    (address.bytes[bit / 8] ^ bytes[bit / 8]) & (0x80 >> UInt8(bit % 8)) == 0
                }
            }
        }
    }
}

/// RFC 4648 §4.
private func base64(_ bytes: [UInt8]) -> String {
    // A zero byte follows the text.
    var out = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
    let count = EVP_EncodeBlock(&out, bytes, Int32(bytes.count))
    return String(decoding: out.prefix(Int(max(count, 0))), as: UTF8.self)
}
