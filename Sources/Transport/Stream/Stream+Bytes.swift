import CLinux
import Glibc

/// Bytes in and out.
extension Stream {
    /// Received in one go at most, so that one fast peer does not take a loop to itself.
    static let readBytes = 65_536

    /// Receives what there is into `input`: the number of bytes added, 0 at the peer's end of stream.
    public func fill(_ wanted: Int = 4096) async throws(TransportError) -> Int {
        if tls != nil { return try await fillSecure(wanted) }
        while true {
            try await waitReadable()
            let space = input.room(wanted)
            let received = recv(descriptor, space.baseAddress, min(space.count, Self.readBytes), 0)
            if received > 0 {
                if received < min(space.count, Self.readBytes), !peerHungUp { canRead = false }
                input.commit(received)
                return received
            }
            if received == 0 { return 0 }
            switch mesh_errno() {
            case EAGAIN: canRead = false
            case EINTR: continue
            default: throw TransportError(.connectionLost, "receiving failed: \(systemMessage())")
            }
        }
    }

    /// Sends all of `output`.
    public func flush() async throws(TransportError) {
        isWriting = true
        defer { isWriting = false }
        while !output.isEmpty {
            let sent = try await send(output.readable)
            output.consume(sent)
        }
    }

    /// Sends `output` and then `bytes`, without copying them: they must stay where they are until this returns.
    public func flush(then bytes: UnsafeRawBufferPointer) async throws(TransportError) {
        try await flush()
        isWriting = true
        defer { isWriting = false }
        var position = 0
        while position < bytes.count {
            position += try await send(UnsafeRawBufferPointer(rebasing: bytes[position...]))
        }
    }

    private func send(_ bytes: UnsafeRawBufferPointer) async throws(TransportError) -> Int {
        if tls != nil { return try await sendSecure(bytes) }
        while true {
            try checkOpen()
            let sent = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if sent >= 0 { return sent }
            switch mesh_errno() {
            case EAGAIN:
                canWrite = false
                try await waitWritable()
            case EINTR: continue
            default: throw TransportError(.connectionLost, "sending failed: \(systemMessage())")
            }
        }
    }

    /// The socket takes a few bytes at once.
    var takesMore: Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&wanted, 1, 0) == 1 && wanted.revents & Int16(POLLOUT) != 0
    }

    /// Sends a few bytes at once, before what stands in `output`; false if something is on its way out, or the socket does not take
    /// all of them: nothing can follow then.
    func sendNow(_ text: StaticString) -> Bool {
        guard isOpen, failure == nil, !isWriting else { return false }
        let bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        if tls != nil { return sendNowSecure(bytes) }
        return Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Ends our direction and discards for a while what still comes, so that the peer can read our last words: closing a socket
    /// with unread bytes resets the connection.
    public func closeLingering() async {
        shutDownSecure()
        shutdown(descriptor, Int32(SHUT_WR))
        readDeadline = loop.now &+ 1_000_000_000
        var left = 1 << 20
        input.removeAll()
        do {
            while left > 0 {
                let received = try await fill()
                if received == 0 { break }
                left -= received
                input.removeAll()
            }
        } catch {}
        close()
    }
}
