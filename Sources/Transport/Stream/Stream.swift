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
    private(set) var failure: TransportError?
    /// A `flush` is under way, of which the peer may have taken a part.
    var isWriting = false

    var readWaiter: UnsafeContinuation<Void, Never>?
    var writeWaiter: UnsafeContinuation<Void, Never>?
    var timedOutReading = false
    var timedOutWriting = false
    var writeDeadline = UInt64.max
    /// The other of two streams that one task waits on.
    unowned(unsafe) var rival: Stream?

    /// Monotonic nanoseconds after which a wait for data ends with `.timedOut`; the owner sets it.
    public var readDeadline = UInt64.max
    /// Nanoseconds that a full socket may block a `flush`.
    public var writeTimeout: UInt64 = 60_000_000_000

    /// Streams given up as soon as this one's peer goes: the attempts made on its behalf (two at most, a hedged request).
    public var attempts: (Stream?, Stream?) = (nil, nil)
    /// Called once when the peer goes while the owner waits for something else than a stream.
    public var hangUpAction: (() -> Void)?

    /// Why what is done on behalf of this stream's peer was called off, while the peer is still there to be told; nil: it was not.
    public internal(set) var interruption: TransportError?

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
            giveUpAttempts(.cancelled)
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

    /// Has the loop look again when the first of the deadlines passes that are waited for.
    func rearm() {
        let earliest = min(readWaiter == nil ? .max : readDeadline, writeWaiter == nil ? .max : writeDeadline)
        if earliest != .max { loop.arm(self, at: earliest) }
    }

    // MARK: Its end

    /// Ends the stream for its waiters and for all later calls; `close` is still to be called by the owner.
    public func fail(_ error: TransportError) {
        guard failure == nil else { return }
        failure = error
        wakeReader()
        wakeWriter()
    }

    /// Whether `fail` was called: nothing more can be done with it.
    var hasFailed: Bool { failure != nil }

    func checkOpen() throws(TransportError) {
        if let failure { throw failure }
        guard isOpen else { throw TransportError.connectionLost }
    }

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
}
