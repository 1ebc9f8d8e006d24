import Glibc
import Synchronization
import Trust

@testable import Storage

extension SHA256Digest {
    /// Nobody's.
    static var zero: SHA256Digest {
        SHA256Digest(hex: String(repeating: "0", count: 64)) ?? Digest.sha256(UnsafeRawBufferPointer(start: nil, count: 0))
    }
}

/// Holds a thread until it is opened.
final class DispatchGate: Sendable {
    private let isHeld = Atomic<Bool>(false)
    private let isOpen = Atomic<Bool>(false)

    func hold() {
        isHeld.store(true, ordering: .releasing)
        while !isOpen.load(ordering: .acquiring) { usleep(1000) }
    }

    func waitUntilHeld() { while !isHeld.load(ordering: .acquiring) { usleep(1000) } }
    func open() { isOpen.store(true, ordering: .releasing) }
}

/// Something else that the storage's thread does.
actor Holder {
    private let thread: StorageThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(thread: StorageThread) { self.thread = thread }

    func hold(_ gate: DispatchGate) { gate.hold() }
}
