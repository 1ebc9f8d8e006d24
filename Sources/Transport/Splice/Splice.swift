/// Two raw connections joined: bytes go both ways as they come, unread, with back-pressure and with the end of each direction.
///
/// Lives on one loop. Memory is held only for a peer that does not keep up, a chunk at most in each direction.
public final class Splice {
    private let loop: Loop
    private let first: SpliceEnd
    private let second: SpliceEnd
    private var waiter: UnsafeContinuation<Void, Never>?
    private var isAwake = true
    private var failure: TransportError?
    private var movedAt: UInt64
    private let idleLimit: UInt64
    private let count: (Int) -> Void

    /// Chunks moved before other connections have their turn.
    private static let chunksInARow = 16

    /// - Parameters:
    ///   - idleLimit: nanoseconds without a byte in either direction after which both are closed.
    ///   - count: told how many bytes were moved.
    /// - Returns: nil if a socket was taken before, or the loop has no room.
    public init?(
        _ first: OwnedSocket, _ second: OwnedSocket, on loop: Loop, idleLimit: UInt64, count: @escaping (Int) -> Void
    ) {
        guard let one = SpliceEnd(first, loop: loop) else { return nil }
        guard let other = SpliceEnd(second, loop: loop) else {
            one.close()
            return nil
        }
        self.loop = loop
        self.first = one
        self.second = other
        self.idleLimit = idleLimit
        self.count = count
        movedAt = loop.now
        one.splice = self
        other.splice = self
    }

    /// Moves bytes until both directions have ended, one end breaks, nothing was said for too long, or `fail`. Closes both.
    ///
    /// - Returns: why it ended, nil: in order.
    public func run() async -> TransportError? {
        defer {
            first.close()
            second.close()
        }
        while true {
            if let failure { return failure }
            isAwake = false
            let isBusy = move()
            if first.isBroken || second.isBroken { return .connectionLost }
            first.shutIfEnded(second)
            second.shutIfEnded(first)
            if first.isDone, second.isDone { return nil }
            if isBusy {
                await Task.yield()
                continue
            }
            if loop.now &- movedAt >= idleLimit {
                return TransportError(.timedOut, "nothing was said for \(idleLimit / 1_000_000_000) s")
            }
            await sleep()
        }
    }

    /// True if there may be more at once.
    private func move() -> Bool {
        var chunks = 0
        var isMoving = true
        while isMoving, chunks < Self.chunksInARow {
            isMoving = false
            for (from, to) in [(first, second), (second, first)] {
                guard case .moved(let bytes) = from.pump(to: to) else { continue }
                isMoving = true
                chunks += 1
                movedAt = loop.now
                if bytes > 0 { count(bytes) }
            }
        }
        return isMoving
    }

    private func sleep() async {
        guard !isAwake else { return }
        loop.arm(first, at: movedAt &+ idleLimit)
        await withUnsafeContinuation { waiter = $0 }
    }

    func wake() {
        isAwake = true
        guard let waiter else { return }
        self.waiter = nil
        waiter.resume()
    }

    /// Ends it now.
    func fail(_ error: TransportError) {
        if failure == nil { failure = error }
        wake()
    }
}
