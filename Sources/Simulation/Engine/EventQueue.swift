/// What is to come, earliest first.
struct EventQueue {
    private var heap = Heap<Event>()
    private var made: UInt64 = 0

    init() {}

    var count: Int { heap.count }

    mutating func push(_ event: Event) {
        var event = event
        event.order = made
        made += 1
        heap.push(event)
    }

    /// Takes the earliest, if it is due by `limit`.
    mutating func pop(until limit: UInt64) -> Event? {
        guard let first = heap.first, first.at <= limit else { return nil }
        return heap.pop()
    }
}
