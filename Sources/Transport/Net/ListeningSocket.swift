import CLinux
import Glibc

/// The sockets of one listening address, one for each loop.
public struct ListeningSocket: Sendable {
    public let address: SocketAddress
    let descriptors: [Int32]
    /// One socket shared by all loops (it was inherited) rather than one each.
    let shared: Bool

    /// Binds `address` once for each of `count` loops; a port of 0 is chosen by the kernel.
    ///
    /// SO_REUSEPORT would let a second program of the same user take the same port unnoticed, so one socket without it is bound
    /// first: a port in use is an error.
    public static func bind(_ address: SocketAddress, count: Int) throws(TransportError) -> ListeningSocket {
        precondition(count > 0)
        let probe = try open(address, reusePort: false)
        guard let bound = SocketAddress.of(probe, remote: false) else {
            close(probe)
            throw TransportError(.system, "cannot listen on \(address): \(systemMessage())")
        }
        close(probe)
        var descriptors: [Int32] = []
        for _ in 0..<count {
            do throws(TransportError) {
                let descriptor = try open(bound, reusePort: true)
                descriptors.append(descriptor)
                guard listen(descriptor, 1024) == 0 else {
                    throw TransportError(.system, "cannot listen on \(bound): \(systemMessage())")
                }
            } catch {
                for descriptor in descriptors { close(descriptor) }
                throw error
            }
        }
        return ListeningSocket(address: bound, descriptors: descriptors, shared: false)
    }

    /// Takes over a listening socket that this process was started with (systemd's LISTEN_FDS protocol: descriptors from 3 up).
    public static func inherited(descriptor: Int32) throws(TransportError) -> ListeningSocket {
        var listening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0, listening == 1,
            let address = SocketAddress.of(descriptor, remote: false)
        else { throw TransportError(.system, "inherited descriptor \(descriptor) is not a listening TCP socket") }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return ListeningSocket(address: address, descriptors: [descriptor], shared: true)
    }

    /// How many descriptors this process was handed, from number 3 up; 0 when it was not meant.
    public static func inheritedCount() -> Int {
        guard let count = getenv("LISTEN_FDS"), let identity = getenv("LISTEN_PID"),
            String(cString: identity) == String(getpid()), let number = Int(String(cString: count)),
            (0...64).contains(number)
        else { return 0 }
        return number
    }

    private static func open(_ address: SocketAddress, reusePort: Bool) throws(TransportError) -> Int32 {
        let descriptor = openSocket(address.family)
        guard descriptor >= 0 else { throw TransportError(.system, "cannot open a socket: \(systemMessage())") }
        _ = mesh_setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if reusePort { _ = mesh_setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
        if address.family == AF_INET6 { _ = mesh_setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        guard address.withSockaddr({ Glibc.bind(descriptor, $0, $1) }) == 0 else {
            let reason = systemMessage()
            close(descriptor)
            throw TransportError(.system, "cannot listen on \(address): \(reason)")
        }
        return descriptor
    }

    /// Closes the sockets of loops that never started.
    public func close() {
        for descriptor in descriptors { Glibc.close(descriptor) }
    }

    private static func close(_ descriptor: Int32) { Glibc.close(descriptor) }
}

/// A non-blocking TCP socket, closed on exec.
func openSocket(_ family: Int32) -> Int32 {
    socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
}
