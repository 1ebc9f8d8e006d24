import Synchronization

/// The latest receipts of this node; the oldest makes room.
public final class ReceiptRing: Sendable {
    private struct State {
        var entries: [Receipt] = []
        var next: UInt64 = 1
    }

    public let capacity: Int
    private let state = Mutex(State())

    public init(capacity: Int = 512) { self.capacity = capacity }

    public func add(_ receipt: Receipt) {
        state.withLock {
            var receipt = receipt
            receipt.id = $0.next
            let index = Int(($0.next - 1) % UInt64(capacity))
            if index < $0.entries.count { $0.entries[index] = receipt } else { $0.entries.append(receipt) }
            $0.next += 1
        }
    }

    /// Newest first.
    public func latest(_ limit: Int) -> [Receipt] {
        state.withLock { $0.entries }.sorted { $0.id > $1.id }.prefix(max(0, limit)).map { $0 }
    }
}
