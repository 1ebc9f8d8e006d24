import CLinux
import Glibc
import Synchronization

/// Ports that this process gave away: who they are for may not have bound them yet.
private let given = Mutex<Set<Int>>([])

/// Below those that Linux gives to connections and to whoever asks for any (`ip_local_port_range` begins at 32768): what is free
/// now is not taken by chance before it is bound.
private let quietPorts = 20_000..<32_000
private let portsTried = 256

/// A TCP port of the loopback interface that is free just now, each time another.
func freePort() -> Int? {
    for _ in 0..<portsTried {
        let port = Int.random(in: quietPorts)
        guard given.withLock({ $0.insert(port).inserted }) else { continue }
        if bound(port) != nil { return port }
    }
    return bound(0)
}

/// The port that can be bound; 0 lets the kernel choose.
private func bound(_ port: Int) -> Int? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    address.sin_port = UInt16(port).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
    }
    return isBound ? Int(UInt16(bigEndian: address.sin_port)) : nil
}
