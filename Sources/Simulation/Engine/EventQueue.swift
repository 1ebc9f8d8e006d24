/// What is to come, earliest first: a heap of four branches, whose nodes share a cache line or two.
struct EventQueue {
    private var heap: [Event] = []
    private var made: UInt64 = 0

    init() {}

    var count: Int { heap.count }

    mutating func push(_ event: Event) {
        var event = event
        event.order = made
        made += 1
        var hole = heap.count
        heap.append(event)
        while hole > 0 {
            let parent = (hole - 1) >> 2
            guard event < heap[parent] else { break }
            heap[hole] = heap[parent]
            hole = parent
        }
        heap[hole] = event
    }

    /// Takes the earliest, if it is due by `limit`.
    mutating func pop(until limit: UInt64) -> Event? {
        guard let first = heap.first, first.at <= limit, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        var hole = 0
        while true {
            let child = hole << 2 + 1
            guard child < heap.count else { break }
            var least = child
            for other in child + 1..<min(child + 4, heap.count) where heap[other] < heap[least] { least = other }
            guard heap[least] < last else { break }
            heap[hole] = heap[least]
            hole = least
        }
        heap[hole] = last
        return first
    }
}
