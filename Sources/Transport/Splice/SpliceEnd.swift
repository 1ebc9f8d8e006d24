import CLinux
import Glibc

/// One of two connections that are joined.
final class SpliceEnd: Source, ProvenConnection {
    weak var splice: Splice?
    let peerIdentity: (any Sendable)?
    /// Taken from the other end and not yet accepted by this one.
    private var pending = ByteBuffer()
    /// Its peer sends no more.
    private(set) var hasEnded = false
    /// It is gone altogether.
    private(set) var isBroken = false
    private var isShut = false
    private let loop: Loop

    /// Read in one go.
    static let chunkBytes = 65_536

    /// nil if somebody has the socket already, or the loop takes no more connections.
    init?(_ socket: OwnedSocket, loop: Loop) {
        guard let descriptor = socket.take() else { return nil }
        self.loop = loop
        peerIdentity = socket.peer
        super.init(descriptor: descriptor)
        guard loop.add(self, events: MESH_EPOLLIN | MESH_EPOLLOUT | MESH_EPOLLRDHUP | MESH_EPOLLET) else {
            Glibc.close(descriptor)
            return nil
        }
        if peerIdentity != nil { loop.proven[ObjectIdentifier(self)] = self }
    }

    override func ready(_ events: UInt32) { splice?.wake() }
    override func expired() { splice?.wake() }
    func giveUp(_ error: TransportError) { splice?.fail(error) }

    func close() {
        splice = nil
        loop.proven[ObjectIdentifier(self)] = nil
        loop.remove(self)
        Glibc.close(descriptor)
    }

    enum Step {
        /// Nothing more can be moved just now.
        case idle
        case moved(Int)
    }

    /// Moves what there is from this end to `other`, a chunk at most.
    func pump(to other: SpliceEnd) -> Step {
        if !other.pending.isEmpty {
            let sent = other.send(other.pending.readable)
            guard sent > 0 else { return .idle }
            other.pending.consume(sent)
            // What is held is held for a slow peer only.
            if other.pending.isEmpty { other.pending.release() }
            return .moved(0)
        }
        guard !hasEnded, !isBroken, !other.isBroken else { return .idle }
        return withUnsafeTemporaryAllocation(byteCount: Self.chunkBytes, alignment: 16) { room in
            while true {
                let received = recv(descriptor, room.baseAddress, room.count, 0)
                if received > 0 {
                    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<received])
                    let sent = other.send(bytes)
                    if sent < received { other.pending.append(UnsafeRawBufferPointer(rebasing: bytes[sent...])) }
                    return .moved(received)
                }
                if received == 0 {
                    hasEnded = true
                    return .idle
                }
                switch mesh_errno() {
                case EINTR: continue
                case EAGAIN: return .idle
                default:
                    isBroken = true
                    return .idle
                }
            }
        }
    }

    /// The number of bytes that the kernel took.
    private func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        while true {
            let sent = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if sent >= 0 { return sent }
            switch mesh_errno() {
            case EINTR: continue
            case EAGAIN: return 0
            default:
                isBroken = true
                return 0
            }
        }
    }

    /// Passes the end of `other` on, once all that came before it is sent.
    func shutIfEnded(_ other: SpliceEnd) {
        guard other.hasEnded, pending.isEmpty, !isShut else { return }
        isShut = true
        shutdown(descriptor, Int32(SHUT_WR))
    }

    var isDone: Bool { hasEnded && pending.isEmpty }
}
