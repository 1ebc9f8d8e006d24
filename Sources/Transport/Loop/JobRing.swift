/// The jobs that a loop has yet to run, first in first out; grows, never shrinks.
struct JobRing: ~Copyable {
    private var storage: UnsafeMutablePointer<UnownedJob>
    private var mask: Int
    private var head = 0
    private var tail = 0

    init(capacity: Int = 1024) {
        precondition(capacity & (capacity - 1) == 0, "the capacity must be a power of two")
        storage = .allocate(capacity: capacity)
        mask = capacity - 1
    }

    deinit { storage.deallocate() }

    var isEmpty: Bool { head == tail }

    @inline(__always)
    mutating func push(_ job: UnownedJob) {
        if (tail &+ 1) & mask == head { grow() }
        (storage + tail).initialize(to: job)
        tail = (tail &+ 1) & mask
    }

    @inline(__always)
    mutating func pop() -> UnownedJob? {
        guard head != tail else { return nil }
        let job = storage[head]
        head = (head &+ 1) & mask
        return job
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<UnownedJob>.allocate(capacity: (mask + 1) * 2)
        var moved = 0
        while head != tail {
            (larger + moved).initialize(to: storage[head])
            head = (head &+ 1) & mask
            moved += 1
        }
        storage.deallocate()
        storage = larger
        head = 0
        tail = moved
        mask = (mask + 1) * 2 - 1
    }
}
