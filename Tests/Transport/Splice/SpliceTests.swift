import Glibc
import Synchronization
import Testing

@testable import Transport

/// Two connected sockets of this machine: ours on a loop, and the other for the test to use as it likes.
private func pair() throws -> (own: OwnedSocket, other: Int32) {
    var ends: [Int32] = [0, 0]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0 else {
        throw TransportError(.system, "no sockets")
    }
    // The far end is used by blocking calls.
    _ = fcntl(ends[1], F_SETFL, 0)
    return (OwnedSocket(descriptor: ends[0], peer: nil), ends[1])
}

private func write(_ descriptor: Int32, _ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
        let count = bytes.withUnsafeBytes {
            send(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return }
        sent += count
    }
}

private func readAll(_ descriptor: Int32) -> [UInt8] {
    var found: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = recv(descriptor, &piece, piece.count, 0)
        guard count > 0 else { return found }
        found += piece[..<count]
    }
}

/// What threads found.
private final class Box: Sendable {
    private let held = Mutex<[UInt8]>([])
    func set(_ bytes: [UInt8]) { held.withLock { $0 = bytes } }
    var bytes: [UInt8] { held.withLock { $0 } }
}

@Suite struct SpliceTests {
    /// Many times what sockets hold, both ways at once, with a reader that begins late: nothing is lost, and ends are passed on.
    @Test func bytesGoBothWaysWithBackPressure() async throws {
        let worker = try Worker(index: 0)
        worker.start()
        defer { worker.stop() }
        let (left, farLeft) = try pair()
        let (right, farRight) = try pair()
        let there = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let back = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        let (atRight, atLeft) = (Box(), Box())
        let counted = Counter64()
        async let ended: TransportError? = worker.run { context in
            await Splice(left, right, on: context.loop, idleLimit: 60_000_000_000) { counted.add($0) }?.run()
        }
        startThread(name: "w1") {
            write(farLeft, there)
            shutdown(farLeft, Int32(SHUT_WR))
            atLeft.set(readAll(farLeft))
        }
        startThread(name: "w2") {
            // All of this side's words first: what comes meanwhile must wait without hindering them.
            write(farRight, back)
            shutdown(farRight, Int32(SHUT_WR))
            atRight.set(readAll(farRight))
        }
        let why = await ended
        #expect(why == nil)
        while atRight.bytes.count < there.count || atLeft.bytes.count < back.count { await Task.yield() }
        #expect(atRight.bytes == there)
        #expect(atLeft.bytes == back)
        #expect(counted.sum == there.count + back.count)
        close(farLeft)
        close(farRight)
    }

    @Test func silenceEndsIt() async throws {
        let worker = try Worker(index: 0)
        worker.start()
        defer { worker.stop() }
        let (left, farLeft) = try pair()
        let (right, farRight) = try pair()
        let why = await worker.run { context in
            await Splice(left, right, on: context.loop, idleLimit: 50_000_000) { _ in }?.run()
        }
        #expect(why?.code == .timedOut)
        #expect(readAll(farLeft).isEmpty)
        #expect(readAll(farRight).isEmpty)
        close(farLeft)
        close(farRight)
    }

    /// A peer that is no longer trusted: what is carried for it ends as its own connections do.
    @Test func aRevokedPeerEndsIt() async throws {
        let worker = try Worker(index: 0)
        worker.start()
        defer { worker.stop() }
        let (left, farLeft) = try pair()
        var ends: [Int32] = [0, 0]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends)
        let right = OwnedSocket(descriptor: ends[0], peer: "mallory")
        async let ended: TransportError? = worker.run { context in
            await Splice(left, right, on: context.loop, idleLimit: 60_000_000_000) { _ in }?.run()
        }
        let error = TransportError(.revoked, "no longer trusted")
        while await worker.endConnections(error, where: { $0 as? String == "mallory" }) == 0 { await Task.yield() }
        let why = await ended
        #expect(why?.code == .revoked)
        close(farLeft)
        close(ends[1])
    }

    @Test func aSocketHasOneOwner() throws {
        let (own, other) = try pair()
        let taken = try #require(own.take())
        #expect(own.take() == nil)
        close(taken)
        close(other)
    }
}

private final class Counter64: Sendable {
    private let value = Atomic<Int>(0)
    func add(_ count: Int) { value.add(count, ordering: .relaxed) }
    var sum: Int { value.load(ordering: .sequentiallyConsistent) }
}
