/// Requests of one priority that wait: turns go round the sites that they came to, and within a site round its users.
struct FairLine<Element> {
    struct Ticket: Equatable {
        fileprivate let place: Int
        fileprivate let serial: UInt64
    }

    private struct Entry {
        /// nil: nobody is here.
        var element: Element?
        var cost: Int
        var site: Int
        var user: Int
        var previous: Int
        var next: Int
        var serial: UInt64
    }

    /// One user's requests, first come first served: places of entries, -1 for none.
    private struct User: TurnTaker {
        var first = -1
        var last = -1
        var count = 0
        var isWaiting: Bool { count > 0 }
    }

    private struct Site: TurnTaker {
        var users: DeficitRing<User>
        var count = 0
        var isWaiting: Bool { count > 0 }
    }

    /// Sites, and users of a site, that are remembered for what they owe.
    static var mostDebtors: Int { 256 }

    private let quantum: Int
    private var sites: DeficitRing<Site>
    private var entries: [Entry] = []
    private var free: [Int] = []
    private var serial: UInt64 = 0
    private(set) var count = 0

    init(quantum: Int) {
        self.quantum = quantum
        sites = DeficitRing(quantum: quantum)
    }

    mutating func add(_ element: Element, entry: UInt64, user: UInt64, cost: Int) -> Ticket {
        let site = sites.place(of: entry) ?? sites.insert(entry, Site(users: DeficitRing(quantum: quantum)))
        let owner = sites[site].users.place(of: user) ?? sites[site].users.insert(user, User())
        serial += 1
        let last = sites[site].users[owner].last
        let made = Entry(element: element, cost: cost, site: site, user: owner, previous: last, next: -1, serial: serial)
        let place: Int
        if let reused = free.popLast() {
            place = reused
            entries[place] = made
        } else {
            place = entries.count
            entries.append(made)
        }
        if last >= 0 { entries[last].next = place } else { sites[site].users[owner].first = place }
        sites[site].users[owner].last = place
        sites[site].users[owner].count += 1
        sites[site].count += 1
        count += 1
        return Ticket(place: place, serial: serial)
    }

    /// What the next one costs; nil: nobody waits.
    mutating func nextCost() -> Int? {
        guard let (_, _, place) = pick() else { return nil }
        return entries[place].cost
    }

    mutating func next() -> Element? {
        guard let (site, user, place) = pick() else { return nil }
        sites[site].users.charge(user, entries[place].cost)
        sites.charge(site, entries[place].cost)
        return take(place)
    }

    /// Takes out one that waits no longer; false if it was served already. What it would have cost is not charged.
    mutating func remove(_ ticket: Ticket) -> Bool {
        guard entries.indices.contains(ticket.place), entries[ticket.place].serial == ticket.serial,
            entries[ticket.place].element != nil
        else { return false }
        _ = take(ticket.place)
        return true
    }

    /// How many are served before a new request of that user, if all cost about the same.
    func ahead(entry: UInt64, user: UInt64) -> Int {
        let site = sites.place(of: entry).map { sites[$0] }
        let own = site.flatMap { site in site.users.place(of: user).map { site.users[$0].count } } ?? 0
        let others = max((site?.users.count ?? 0) - (own > 0 ? 1 : 0), 0)
        // Each turn of ours comes after one of each other's, of those that have so many.
        let inSite = min(site?.count ?? 0, own + (own + 1) * others)
        let otherSites = max(sites.count - (site == nil ? 0 : 1), 0)
        return min(count, inSite + (inSite + 1) * otherSites)
    }

    private mutating func pick() -> (site: Int, user: Int, place: Int)? {
        guard count > 0, let site = sites.turn(), let user = sites[site].users.turn() else { return nil }
        return (site, user, sites[site].users[user].first)
    }

    private mutating func take(_ place: Int) -> Element? {
        let entry = entries[place]
        let element = entries[place].element
        entries[place].element = nil
        if entry.previous >= 0 {
            entries[entry.previous].next = entry.next
        } else {
            sites[entry.site].users[entry.user].first = entry.next
        }
        if entry.next >= 0 {
            entries[entry.next].previous = entry.previous
        } else {
            sites[entry.site].users[entry.user].last = entry.previous
        }
        free.append(place)
        count -= 1
        sites[entry.site].users[entry.user].count -= 1
        sites[entry.site].count -= 1
        guard count > 0 else {
            // An empty line owes nobody anything.
            self = FairLine(quantum: quantum, serial: serial)
            return element
        }
        if !sites[entry.site].users[entry.user].isWaiting {
            sites[entry.site].users.settle(entry.user, keeping: Self.mostDebtors)
        }
        if !sites[entry.site].isWaiting { sites.settle(entry.site, keeping: Self.mostDebtors) }
        return element
    }

    private init(quantum: Int, serial: UInt64) {
        self.init(quantum: quantum)
        self.serial = serial
    }
}
