import CLinux
import Glibc

/// One TCP connection, plain or TLS, on one loop: bytes in, bytes out, and every way of waiting for them.
///
/// It knows nothing of who dialled or who speaks HTTP how. It never leaves its worker. Each wait ends with data, the peer's
/// end, a deadline or `fail`; one task at a time may wait to read and one to write.
public final class Stream: Source {
    let loop: Loop
    /// Bytes received and not yet taken.
    public var input = ByteBuffer()
    /// Bytes to be sent by the next `flush`.
    public var output = ByteBuffer()

    var canRead = true
    var canWrite = true
    /// The peer will send no more, or the connection is gone.
    public internal(set) var peerHungUp = false
    public private(set) var isOpen = true
    private var failure: TransportError?

    private var readWaiter: UnsafeContinuation<Void, Never>?
    private var writeWaiter: UnsafeContinuation<Void, Never>?
    private var timedOutReading = false
    private var timedOutWriting = false
    /// The other of two streams that one task waits on.
    private unowned(unsafe) var rival: Stream?

    /// Monotonic nanoseconds after which a wait for data ends with `.timedOut`; the owner sets it.
    public var readDeadline = UInt64.max
    /// Nanoseconds that a full socket may block a `flush`.
    public var writeTimeout: UInt64 = 60_000_000_000

    /// Streams given up as soon as this one's peer goes: the attempts made on its behalf (two at most, a hedged request).
    public var attempts: (Stream?, Stream?) = (nil, nil)
    /// Called once when the peer goes while the owner waits for something else than a stream.
    public var hangUpAction: (() -> Void)?

    /// Why what is done on behalf of this stream's peer was called off, while the peer is still there to be told; nil: it was not.
    public private(set) var interruption: TransportError?

    var tls: TLSSession?
    /// Who the peer had proved to be before TLS was ended (`endTLS`).
    var formerPeer: (any Sendable)?

    /// Takes over an open non-blocking socket.
    public init?(descriptor: Int32, loop: Loop) {
        self.loop = loop
        super.init(descriptor: descriptor)
        _ = mesh_setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        guard loop.add(self, events: MESH_EPOLLIN | MESH_EPOLLOUT | MESH_EPOLLRDHUP | MESH_EPOLLET) else {
            Glibc.close(descriptor)
            isOpen = false
            return nil
        }
    }

    deinit {
        if isOpen { Glibc.close(descriptor) }
    }

    public var remoteAddress: SocketAddress? { SocketAddress.of(descriptor, remote: true) }
    public var localAddress: SocketAddress? { SocketAddress.of(descriptor, remote: false) }
    /// Monotonic nanoseconds as of the loop's last wake.
    public var now: UInt64 { loop.now }
    public var isSecure: Bool { tls != nil }

    // MARK: What the loop tells

    override func ready(_ events: UInt32) {
        if events & (MESH_EPOLLRDHUP | MESH_EPOLLHUP | MESH_EPOLLERR) != 0, !peerHungUp {
            peerHungUp = true
            peerGone()
        }
        if events & ~MESH_EPOLLOUT != 0 {
            canRead = true
            wakeReader()
        }
        if events & ~MESH_EPOLLIN != 0 {
            canWrite = true
            wakeWriter()
        }
    }

    private func peerGone() { giveUpAttempts(.cancelled) }

    private func giveUpAttempts(_ error: TransportError) {
        attempts.0?.fail(error)
        attempts.1?.fail(error)
        if let action = hangUpAction {
            hangUpAction = nil
            action()
        }
    }

    override func expired() {
        let now = loop.now
        if readWaiter != nil, readDeadline <= now {
            timedOutReading = true
            wakeReader()
        }
        if writeWaiter != nil, writeDeadline <= now {
            timedOutWriting = true
            wakeWriter()
        }
        rearm()
    }

    private func wakeReader() {
        guard let waiter = readWaiter else { return }
        readWaiter = nil
        if let rival {
            rival.readWaiter = nil
            rival.rival = nil
            self.rival = nil
        }
        waiter.resume()
    }

    private func wakeWriter() {
        guard let waiter = writeWaiter else { return }
        writeWaiter = nil
        waiter.resume()
    }

    // MARK: Waiting

    private var writeDeadline = UInt64.max

    private func rearm() {
        let earliest = min(readWaiter == nil ? .max : readDeadline, writeWaiter == nil ? .max : writeDeadline)
        if earliest != .max { loop.arm(self, at: earliest) }
    }

    /// Ends the stream for its waiters and for all later calls; `close` is still to be called by the owner.
    public func fail(_ error: TransportError) {
        guard failure == nil else { return }
        failure = error
        wakeReader()
        wakeWriter()
    }

    /// Calls off what is done on behalf of this stream's peer: every wait for it ends as if the peer had gone, with `error` where
    /// it can be told. The stream itself goes on.
    public func interrupt(_ error: TransportError) {
        guard interruption == nil else { return }
        interruption = error
        giveUpAttempts(error)
    }

    /// Enters an attempt made on behalf of this stream's peer, so that it is given up when that peer goes.
    ///
    /// - Throws: where that has happened already, while nothing could be given up: a name was looked up, a carrier asked. The attempt
    ///   is then closed.
    public func begin(_ attempt: Stream) throws(TransportError) {
        attempts.0 = attempt
        guard peerHungUp || interruption != nil else { return }
        attempt.close()
        throw interruption ?? .cancelled
    }

    /// What comes next is not called off.
    public func clearInterruption() { interruption = nil }

    /// Ends the stream and what is done on behalf of its peer.
    func giveUp(_ error: TransportError) {
        fail(error)
        giveUpAttempts(.cancelled)
    }

    /// Whether `fail` was called: nothing more can be done with it.
    var hasFailed: Bool { failure != nil }

    func checkOpen() throws(TransportError) {
        if let failure { throw failure }
        guard isOpen else { throw TransportError.connectionLost }
    }

    /// Waits until bytes may have come.
    func waitReadable() async throws(TransportError) {
        try checkOpen()
        while !canRead {
            if timedOutReading {
                timedOutReading = false
                throw TransportError.timedOut
            }
            precondition(readWaiter == nil, "two tasks read one stream")
            await withUnsafeContinuation { waiter in
                readWaiter = waiter
                rearm()
            }
            try checkOpen()
        }
        timedOutReading = false
    }

    /// Waits until bytes may be sent.
    func waitWritable() async throws(TransportError) {
        try checkOpen()
        writeDeadline = loop.now &+ writeTimeout
        while !canWrite {
            if timedOutWriting {
                timedOutWriting = false
                throw TransportError(.timedOut, "the peer took no data for \(writeTimeout / 1_000_000_000) s")
            }
            precondition(writeWaiter == nil, "two tasks write one stream")
            await withUnsafeContinuation { waiter in
                writeWaiter = waiter
                rearm()
            }
            try checkOpen()
        }
        timedOutWriting = false
    }

    /// Waits until either of two streams may have bytes, has failed, or its deadline has passed.
    ///
    /// What `fill` then does on each tells which. One task that owns two attempts needs no second task.
    public static func waitEither(_ first: Stream, _ second: Stream) async {
        precondition(first !== second && first.loop === second.loop)
        for stream in [first, second]
        where stream.canRead || stream.failure != nil || !stream.isOpen || !stream.input.isEmpty {
            return
        }
        await withUnsafeContinuation { waiter in
            first.readWaiter = waiter
            second.readWaiter = waiter
            first.rival = second
            second.rival = first
            first.rearm()
            second.rearm()
        }
    }

    // MARK: Bytes

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

    /// A `flush` is under way, of which the peer may have taken a part.
    private(set) var isWriting = false

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

    /// Received in one go at most, so that one fast peer does not take a loop to itself.
    static let readBytes = 65_536

    /// Ends the connection; with TLS, in order.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        closeSecure()
        loop.proven[ObjectIdentifier(self)] = nil
        loop.remove(self)
        Glibc.close(descriptor)
        input.release()
        output.release()
        attempts = (nil, nil)
        hangUpAction = nil
        fail(.connectionLost)
    }

    /// Lets go of a raw connection without ending it; nil if it is not raw, has bytes in hand, or is gone.
    public func release() -> OwnedSocket? {
        guard isOpen, failure == nil, tls == nil, input.isEmpty, output.isEmpty else { return nil }
        isOpen = false
        loop.proven[ObjectIdentifier(self)] = nil
        loop.remove(self)
        let socket = OwnedSocket(descriptor: descriptor, peer: formerPeer)
        attempts = (nil, nil)
        hangUpAction = nil
        fail(.connectionLost)
        return socket
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
