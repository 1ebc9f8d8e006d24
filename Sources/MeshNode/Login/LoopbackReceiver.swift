import CLinux
import Glibc

/// Waits on 127.0.0.1 for the browser that comes back from logging in (RFC 8252 §7.3).
///
/// Any process of the machine may connect: what does not carry the login's own `state` is refused and forgotten.
struct LoopbackReceiver: ~Copyable {
    private let descriptor: Int32
    /// The address that the browser is sent to.
    let redirect: String

    /// How long the user has, in seconds.
    static let waitSeconds = 600
    /// How long one connection may take, and how many bytes of it are read.
    static let connectionSeconds = 5
    static let requestBytes = 16 << 10

    init() throws(CommandFailure) {
        let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                made >= 0 && bind(made, $0, length) == 0 && listen(made, 8) == 0 && getsockname(made, $0, &length) == 0
            }
        }
        descriptor = made
        redirect = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        guard isListening else {
            throw CommandFailure(exitCode: 1, message: "cannot listen on 127.0.0.1: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// The code that the browser brings.
    ///
    /// - Throws: if the user refused, or did not come within `waitSeconds`.
    func code(state: String) throws(CommandFailure) -> String {
        let end = mesh_monotonic_ns() + UInt64(Self.waitSeconds) * 1_000_000_000
        while waitUntilReadable(descriptor, until: end) {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { continue }
            defer { close(connection) }
            switch read(connection, state: state) {
            case .code(let code):
                answer(connection, "200 OK", "You are logged in. You can close this page.")
                return code
            case .refused(let reason):
                answer(connection, "200 OK", "The login was refused. You can close this page.")
                throw CommandFailure(exitCode: 1, message: "the login was refused: \(reason)")
            case .foreign:
                answer(connection, "400 Bad Request", "This is not the login that is waited for.")
            }
        }
        throw CommandFailure(exitCode: 1, message: "nobody logged in within \(Self.waitSeconds / 60) minutes")
    }

    private func read(_ connection: Int32, state: String) -> Redirect {
        let end = mesh_monotonic_ns() + UInt64(Self.connectionSeconds) * 1_000_000_000
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !bytes.contains(UInt8(ascii: "\n")) {
            guard bytes.count < Self.requestBytes, waitUntilReadable(connection, until: end) else { return .foreign }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return .foreign }
            bytes += chunk[..<count]
        }
        let words = bytes.prefix { $0 != UInt8(ascii: "\n") }.split(separator: UInt8(ascii: " "))
        guard words.count == 3, words[0].elementsEqual("GET".utf8) else { return .foreign }
        let target = String(decoding: words[1], as: UTF8.self)
        return target.hasPrefix("/?") ? .read(query: target.dropFirst(2), state: state) : .foreign
    }

    private func answer(_ connection: Int32, _ status: String, _ text: String) {
        let head = "HTTP/1.1 \(status)\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: \(text.utf8.count)\r\n"
        let bytes = Array("\(head)Cache-Control: no-store\r\nConnection: close\r\n\r\n\(text)".utf8)
        // It fits into any socket's buffer; whoever left does not need it.
        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        shutdown(connection, Int32(SHUT_WR))
        // Bytes left unread would make the kernel cut the connection before the browser has read the page.
        var rest = [UInt8](repeating: 0, count: 4096)
        _ = recv(connection, &rest, rest.count, Int32(MSG_DONTWAIT))
    }

    private func waitUntilReadable(_ descriptor: Int32, until end: UInt64) -> Bool {
        while true {
            let now = mesh_monotonic_ns()
            guard now < end else { return false }
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wanted, 1, Int32(min((end - now) / 1_000_000 + 1, 60_000)))
            if ready > 0 { return true }
            if ready < 0 && errno != EINTR { return false }
        }
    }
}
