/// A heap of four branches, whose nodes share a cache line or two; the least first.
struct Heap<Element: Comparable> {
    private var elements: [Element] = []

    init() {}

    var count: Int { elements.count }

    var first: Element? { elements.first }

    mutating func push(_ element: Element) {
        var hole = elements.count
        elements.append(element)
        while hole > 0 {
            let parent = (hole - 1) >> 2
            guard element < elements[parent] else { break }
            elements[hole] = elements[parent]
            hole = parent
        }
        elements[hole] = element
    }

    mutating func pop() -> Element? {
        guard let first = elements.first, let last = elements.popLast() else { return nil }
        guard !elements.isEmpty else { return first }
        var hole = 0
        while true {
            let child = hole << 2 + 1
            guard child < elements.count else { break }
            var least = child
            for other in child + 1..<min(child + 4, elements.count) where elements[other] < elements[least] { least = other }
            guard elements[least] < last else { break }
            elements[hole] = elements[least]
            hole = least
        }
        elements[hole] = last
        return first
    }
}
