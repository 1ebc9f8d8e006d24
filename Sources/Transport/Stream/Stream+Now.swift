import CLinux
import Glibc

/// Bytes that have come, without waiting for more: for one task that waits on two streams (`waitEither`).
extension Stream {
    /// Receives what there is into `input`.
    ///
    /// - Returns: the number of bytes added, 0 at the peer's end of stream; nil: there is nothing just now.
    func fillNow(_ wanted: Int = 4096) throws(TransportError) -> Int? {
        try checkOpen()
        timedOutReading = false
        guard canRead else { return nil }
        if let tls {
            switch try readSecure(tls, wanted) {
            case .bytes(let count): return count
            case .wantsRead: return nil
            case .wantsWrite:
                // What has to be sent first goes out with the next that is received: until then there is nothing to be had.
                canRead = false
                return nil
            }
        }
        let space = input.room(wanted)
        let received = recv(descriptor, space.baseAddress, min(space.count, Self.readBytes), 0)
        if received >= 0 {
            input.commit(received)
            return received
        }
        guard mesh_errno() == EAGAIN || mesh_errno() == EINTR else {
            throw TransportError(.connectionLost, "receiving failed: \(systemMessage())")
        }
        canRead = false
        return nil
    }

    /// Waits until bytes may have come at this stream or, where there is one, at another, one of them has failed, or `deadline`
    /// (monotonic nanoseconds) has passed. Which of these, is told by what is done next.
    public func waitForNews(or other: Stream?, until deadline: UInt64) async {
        readDeadline = deadline
        other?.readDeadline = deadline
        if let other {
            precondition(other !== self && other.loop === loop)
            await Self.waitForNews(self, other)
        } else {
            do throws(TransportError) { try await waitReadable() } catch {}
        }
        for stream in [self, other] {
            stream?.readDeadline = .max
            stream?.timedOutReading = false
        }
    }
}
