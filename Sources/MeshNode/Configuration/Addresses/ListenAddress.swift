/// An IP address and port to listen on. Port 0 lets the kernel choose.
struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address, without brackets.
    var address: String
    var port: Int

    static let loopback = ListenAddress(address: "127.0.0.1", port: 0)

    init(address: String, port: Int) {
        self.address = address
        self.port = port
    }

    /// Reads `127.0.0.1:8101` or `[::1]:8101`; names are not taken, since one may stand for several addresses.
    init?(_ text: String) {
        guard let parts = HostAndPort(text), AddressBytes.parse(parts.host) != nil else { return nil }
        self.init(address: parts.host, port: parts.port)
    }

    var description: String { HostAndPort(host: address, port: port).description }

    /// Only this machine reaches it: 127.0.0.0/8 or ::1.
    var isLoopback: Bool {
        guard let bytes = AddressBytes.parse(address).map(AddressBytes.plain) else { return false }
        return bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
    }

    /// It stands for every address of the machine, so nobody can be told to call it.
    var isWildcard: Bool { AddressBytes.parse(address)?.allSatisfy { $0 == 0 } ?? false }
}
