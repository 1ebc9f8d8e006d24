import CLinux
import Glibc

/// Turns host names into addresses without blocking the loop; one a worker.
///
/// Answers are kept for 30 s, also the answer that there is none (5 s): `getaddrinfo` tells no lifetime. Waiters for one name share one look-up.
public final class Resolver {
    private struct Entry {
        var addresses: [[UInt8]]
        var expires: UInt64
    }

    private let loop: Loop
    private var cache: [String: Entry] = [:]
    private static let keptNames = 1024

    /// For use on `loop` only.
    public init(loop: Loop) { self.loop = loop }

    /// All addresses of a host, in the system's order of preference; at least one.
    public func resolve(_ target: HostPort) async throws(TransportError) -> [SocketAddress] {
        if let literal = SocketAddress(literal: target.host, port: target.port) { return [literal] }
        let found: [[UInt8]]
        if let entry = cache[target.host], entry.expires > loop.now {
            found = entry.addresses
        } else {
            found = await Self.lookUp(target.host)
            if cache.count >= Self.keptNames { cache.removeAll() }
            let seconds: UInt64 = found.isEmpty ? 5 : 30
            cache[target.host] = Entry(addresses: found, expires: loop.now &+ seconds &* 1_000_000_000)
        }
        guard !found.isEmpty else { throw TransportError(.unknownHost, "no address is known for host \(target.host)") }
        return found.map { SocketAddress(bytes: $0, port: target.port) }
    }

    /// Asks the system on a thread of its own: look-ups are rare and may take seconds.
    private static func lookUp(_ host: String) async -> [[UInt8]] {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<[[UInt8]], Never>) in
            startThread(name: "resolver", stackBytes: 256 * 1024) { continuation.resume(returning: systemAddresses(host)) }
        }
    }

    private static func systemAddresses(_ host: String) -> [[UInt8]] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = Int32(AI_ADDRCONFIG)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [[UInt8]] = []
        var next = list
        while let entry = next, found.count < 16 {
            if let raw = entry.pointee.ai_addr, let address = SocketAddress(raw), !found.contains(address.bytes) {
                found.append(address.bytes)
            }
            next = entry.pointee.ai_next
        }
        return found
    }
}

/// Runs `body` on a new detached thread.
public func startThread(name: String, stackBytes: Int = 1 << 20, _ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, stackBytes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let started = pthread_create(
        &thread, &attributes,
        { raw in
            if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body() }
            return nil
        }, box.toOpaque())
    if started != 0 {
        // No thread can be had: better late on this one than never.
        box.takeRetainedValue().body()
    }
}
