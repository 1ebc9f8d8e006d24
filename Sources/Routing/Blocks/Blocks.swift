import Synchronization

/// The blocks in force at this node, as all its parts see them. Without any, asking costs one relaxed load.
public final class Blocks: Sendable {
    private let isSet = Atomic<Bool>(false)
    private let held = Mutex<BlockSet?>(nil)

    public init() {}

    /// nil: nothing is blocked.
    public var current: BlockSet? {
        @inline(__always) get { isSet.load(ordering: .acquiring) ? locked() : nil }
    }

    // Not inlined: a Mutex must not be locked in an async function that came back from another thread.
    @inline(never)
    private func locked() -> BlockSet? { held.withLock { $0 } }

    /// Takes effect for all that asks from now on; what is under way is to be told (`Router.enforceBlocks`).
    @inline(never)
    public func set(_ blocks: [Block]) {
        held.withLock { $0 = blocks.isEmpty ? nil : BlockSet(blocks) }
        isSet.store(!blocks.isEmpty, ordering: .releasing)
    }
}
