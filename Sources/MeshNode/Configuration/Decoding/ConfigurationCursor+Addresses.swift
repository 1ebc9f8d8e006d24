/// Reading network addresses.
extension ConfigurationCursor {
    /// An address to listen on. The stand-in is a port of loopback.
    func listenAddress() -> ListenAddress {
        if case .string(let text) = value?.content, let address = ListenAddress(text) { return address }
        refuse(allowed: "ADDRESS:PORT such as 127.0.0.1:8101, 0.0.0.0:8101 or [::1]:8101, port 0 to 65535")
        return ListenAddress.loopback
    }

    /// A host and port to connect to.
    func hostAndPort() -> HostAndPort {
        if case .string(let text) = value?.content, let peer = HostAndPort(text), peer.port > 0 { return peer }
        refuse(allowed: "HOST:PORT such as mesh.example.org:8201 or [2001:db8::1]:8201, port 1 to 65535")
        return HostAndPort(host: "localhost", port: 1)
    }

    /// A block of addresses in CIDR notation.
    func addressRange() -> AddressRange {
        if case .string(let text) = value?.content, let range = AddressRange(text) { return range }
        refuse(allowed: "an address or block such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32, nothing set past the prefix")
        return AddressRange.none
    }

    /// A server's base URL, without user, query and fragment.
    func webAddress(schemes: [String] = ["http", "https"], allowsPath: Bool = true) -> String {
        if case .string(let text) = value?.content, let address = WebAddress(text), schemes.contains(address.scheme),
            allowsPath || address.path.isEmpty || address.path == "/"
        {
            return text
        }
        let forms = schemes.map { "\($0)://HOST[:PORT]\(allowsPath ? "[/PATH]" : "")" }
        refuse(allowed: "\(forms.joined(separator: " or ")), without user, query and fragment")
        return "\(schemes.first ?? "http")://localhost"
    }
}
