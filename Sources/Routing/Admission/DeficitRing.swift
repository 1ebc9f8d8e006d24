/// What takes its turn in a `DeficitRing`.
protocol TurnTaker {
    /// Whether it has anything to be served.
    var isWaiting: Bool { get }
}

/// Turns by deficit round robin, in the form that lets a turn overdraw its account and pay afterwards (surplus round robin: Adiseshu,
/// Parulkar, Varghese 1996; FQ-CoDel, RFC 8290 §4.2, does the same).
///
/// Invariant: between any two that wait all the time, what they were served differs by no more than a quantum and the largest cost. Who
/// leaves in debt stays until it is paid, or until nobody waits: otherwise one that asks for much, one thing at a time, would never pay.
struct DeficitRing<Taker: TurnTaker> {
    private struct Node {
        var key: UInt64
        var taker: Taker
        var deficit: Int
        var previous: Int
        var next: Int
    }

    let quantum: Int
    private var nodes: [Node] = []
    private var free: [Int] = []
    private var places: [UInt64: Int] = [:]
    /// Whose turn it is; -1: nobody is here.
    private var current = -1

    init(quantum: Int) {
        precondition(quantum > 0, "a turn is worth something")
        self.quantum = quantum
    }

    /// Those that wait, and those that owe.
    var count: Int { places.count }

    func place(of key: UInt64) -> Int? { places[key] }

    subscript(place: Int) -> Taker {
        get { nodes[place].taker }
        _modify { yield &nodes[place].taker }
    }

    /// Adds one, whose turn comes after all others'.
    mutating func insert(_ key: UInt64, _ taker: Taker) -> Int {
        precondition(places[key] == nil, "a key is in the ring once")
        var node = Node(key: key, taker: taker, deficit: quantum, previous: 0, next: 0)
        let place: Int
        if let reused = free.popLast() {
            place = reused
            nodes[place] = node
        } else {
            place = nodes.count
            nodes.append(node)
        }
        if current < 0 {
            node.previous = place
            node.next = place
            current = place
        } else {
            node.previous = nodes[current].previous
            node.next = current
            nodes[node.previous].next = place
            nodes[current].previous = place
        }
        nodes[place] = node
        places[key] = place
        return place
    }

    /// Whose turn it is; nil: nobody waits. To ask again without a `charge` gives the same.
    mutating func turn() -> Int? {
        var passed = 0
        while current >= 0 {
            if nodes[current].deficit > 0 {
                if nodes[current].taker.isWaiting { return current }
                // Paid, and nothing waits.
                remove(current)
                continue
            }
            nodes[current].deficit += quantum
            current = nodes[current].next
            passed += 1
            // After one round in which nobody could be served, all further such rounds are one step.
            if passed >= count {
                skipRounds()
                passed = 0
            }
        }
        return nil
    }

    /// Lets as many rounds pass as it takes until somebody who waits has paid.
    private mutating func skipRounds() {
        var rounds = Int.max
        for place in places.values where nodes[place].taker.isWaiting {
            let deficit = nodes[place].deficit
            rounds = min(rounds, deficit > 0 ? 0 : -deficit / quantum + 1)
        }
        guard rounds > 0, rounds < Int.max else { return }
        for place in places.values { nodes[place].deficit += rounds * quantum }
    }

    /// Books what was served to one whose turn it was.
    mutating func charge(_ place: Int, _ cost: Int) { nodes[place].deficit -= cost }

    /// One has nothing that waits any more: it goes, unless it owes and there is room to remember that.
    mutating func settle(_ place: Int, keeping most: Int) {
        precondition(!nodes[place].taker.isWaiting, "who waits has not left")
        if nodes[place].deficit > 0 || count > most { remove(place) }
    }

    private mutating func remove(_ place: Int) {
        let node = nodes[place]
        places[node.key] = nil
        free.append(place)
        if node.next == place {
            current = -1
            return
        }
        nodes[node.previous].next = node.next
        nodes[node.next].previous = node.previous
        if current == place { current = node.next }
    }
}
