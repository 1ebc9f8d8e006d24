import CLinux
import Glibc

/// Takes connections from one listening socket on one loop.
final class Acceptor: Source {
    private let loop: Loop
    private let accepted: (Int32) -> Void
    private var pause: Pause?
    private var isOpen = true

    /// Taken in one go before other work has its turn.
    private static let inARow = 64

    init(descriptor: Int32, loop: Loop, accepted: @escaping (Int32) -> Void) {
        self.loop = loop
        self.accepted = accepted
        super.init(descriptor: descriptor)
    }

    func start() { _ = loop.add(self, events: MESH_EPOLLIN) }

    override func ready(_ events: UInt32) {
        for _ in 0..<Self.inARow {
            let connection = mesh_accept4(descriptor)
            if connection >= 0 {
                accepted(connection)
                continue
            }
            switch mesh_errno() {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return rest()
            default: return
            }
        }
    }

    /// No descriptor is left: the kernel would wake us for the same connection again and again.
    private func rest() {
        loop.remove(self)
        let pause = Pause { [weak self] in
            guard let self else { return }
            self.pause = nil
            if self.isOpen { self.start() }
        }
        self.pause = pause
        loop.arm(pause, at: loop.now &+ 100_000_000)
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        if let pause { loop.disarm(pause) }
        loop.remove(self)
        Glibc.close(descriptor)
    }

    private final class Pause: TimerNode {
        let over: () -> Void
        init(over: @escaping () -> Void) {
            self.over = over
            super.init()
        }
        override func expired() { over() }
    }
}
