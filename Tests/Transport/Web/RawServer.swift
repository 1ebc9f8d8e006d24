import CLinux
import Glibc
import Synchronization

@testable import Transport

/// A server of bare sockets for answers that no proper server gives: each connection runs `body` on a thread of its own.
final class RawServer: Sendable {
    let port: UInt16
    private let descriptor: Int32
    private let accepted = Atomic<Int>(0)
    /// Connections that were made.
    var connections: Int { accepted.load(ordering: .sequentiallyConsistent) }

    init(_ body: @escaping @Sendable (RawConnection) -> Void) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, size) }
        }
        guard bound == 0, listen(descriptor, 64) == 0, let own = SocketAddress.of(descriptor, remote: false) else {
            throw TransportError(.system, "no socket for a test")
        }
        self.descriptor = descriptor
        port = own.port
        startThread(name: "raw") { [self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else {
                    // `stop` shuts it down and this thread closes it: until then its number is no other socket's.
                    guard errno == EINVAL else { continue }
                    close(descriptor)
                    return
                }
                accepted.add(1, ordering: .sequentiallyConsistent)
                startThread(name: "raw") {
                    body(RawConnection(descriptor: connection))
                    close(connection)
                }
            }
        }
    }

    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}

struct RawConnection: Sendable {
    let descriptor: Int32

    /// One request with its body if it announces a length; empty when the client closed.
    func readRequest() -> String {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[..<count]
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { continue }
            let length =
                text.range(of: "Content-Length: ").flatMap { Int(text[$0.upperBound...].prefix { $0.isNumber }) } ?? 0
            if text[end.upperBound...].utf8.count >= length { return text }
        }
    }

    func write(_ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Until the client closes.
    func waitForEnd() {
        var piece = [UInt8](repeating: 0, count: 4096)
        while recv(descriptor, &piece, piece.count, 0) > 0 {}
    }
}

extension StringProtocol {
    fileprivate func range(of other: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
            formIndex(after: &start)
        }
        return nil
    }
}
