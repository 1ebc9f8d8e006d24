import CLinux
import Glibc

/// Where a new node listens and by which addresses others reach it.
struct NodeAddresses: Sendable, Equatable {
    var api: ListenAddress
    var mesh: ListenAddress
    /// Where they differ from what is listened on.
    var advertisedAPI: String?
    var advertisedMesh: HostAndPort?

    static let usualAPIPort = 8101
    static let usualMeshPort = 8201
    /// Ports that are tried from the usual one up, where another program has it.
    private static let portsTried = 100

    /// - Parameter local: this machine's address towards the federation.
    init(_ invocation: Invocation, local: String) throws(CommandFailure) {
        if let mesh = invocation.text(.advertiseMesh) { advertisedMesh = HostAndPort(mesh) }
        if let api = invocation.text(.advertiseAPI) {
            guard let url = WebAddress(api), url.path.isEmpty || url.path == "/" else {
                throw CommandFailure(
                    exitCode: 2, message: "--advertise-api: \(Quoting.excerpt(api)) is no URL http(s)://HOST[:PORT]")
            }
            advertisedAPI = api
        }
        if let given = invocation.text(.listenMesh).flatMap({ ListenAddress($0) }) {
            mesh = given
        } else {
            // Behind an address that is not this machine's own, whatever interface it comes in by.
            let isOwn = advertisedMesh.map { $0.host == local } ?? true
            let address = isOwn ? local : (local.contains(":") ? "::" : "0.0.0.0")
            let wanted = advertisedMesh?.port ?? Self.usualMeshPort
            mesh = ListenAddress(
                address: address, port: advertisedMesh == nil ? Self.freePort(address, from: wanted) : wanted)
        }
        if mesh.isWildcard, advertisedMesh == nil { advertisedMesh = HostAndPort(host: local, port: mesh.port) }
        if let given = invocation.text(.listenAPI).flatMap({ ListenAddress($0) }) {
            api = given
        } else {
            api = ListenAddress(address: "127.0.0.1", port: Self.freePort("127.0.0.1", from: Self.usualAPIPort))
        }
        if api.isWildcard, advertisedAPI == nil {
            advertisedAPI = "https://\(HostAndPort(host: local, port: api.port))"
        }
    }

    /// Names that the node's certificate should have, besides the address that leads to the federation.
    static func names(_ invocation: Invocation) -> [String] {
        var names: [String] = []
        if let mesh = invocation.text(.advertiseMesh).flatMap({ HostAndPort($0) }) { names.append(mesh.host) }
        if let api = invocation.text(.advertiseAPI).flatMap({ WebAddress($0) }), !names.contains(api.host) {
            names.append(api.host)
        }
        if let mesh = invocation.text(.listenMesh).flatMap({ ListenAddress($0) }), !mesh.isWildcard,
            !names.contains(mesh.address)
        {
            names.append(mesh.address)
        }
        return names
    }

    /// The address that this machine would call others from; nothing is sent.
    static var outward: String {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return "127.0.0.1" }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        // TEST-NET-1 (RFC 5737): routed outwards, and nobody's.
        address.sin_addr.s_addr = UInt32(0xc000_0201).bigEndian
        address.sin_port = UInt16(9).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isKnown = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        let bytes = withUnsafeBytes(of: address.sin_addr.s_addr) { Array($0) }
        return isKnown ? bytes.map(String.init).joined(separator: ".") : "127.0.0.1"
    }

    /// The first port from `wanted` up that nobody listens on just now.
    private static func freePort(_ address: String, from wanted: Int) -> Int {
        (wanted..<wanted + portsTried).first { isFree(address, $0) } ?? wanted
    }

    private static func isFree(_ address: String, _ port: Int) -> Bool {
        guard let bytes = AddressBytes.parse(address), bytes.count == 4 else { return true }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var wanted = sockaddr_in()
        wanted.sin_family = sa_family_t(AF_INET)
        wanted.sin_port = UInt16(port).bigEndian
        withUnsafeMutableBytes(of: &wanted.sin_addr.s_addr) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &wanted) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return result == 0
    }
}
