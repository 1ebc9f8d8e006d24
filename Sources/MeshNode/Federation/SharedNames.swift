/// Names and addresses that no site owns: many machines have them, and they say nothing of who it is.
enum SharedNames {
    /// RFC 1918, RFC 4193, link-local (RFC 3927, RFC 4291 §2.5.6) and loopback.
    private static let ranges = [
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1",
    ].compactMap { AddressRange($0) }

    static func contains(_ name: String) -> Bool { name == "localhost" || ranges.contains { $0.contains(name) } }

    /// Those that stand for the machine itself: every certificate has them already.
    static func isLoopback(_ name: String) -> Bool {
        name == "localhost" || ListenAddress(address: name, port: 0).isLoopback
    }
}
