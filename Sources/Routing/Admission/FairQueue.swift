/// The line before a backend: interactive requests before batch, and each kind fairly between sites and users.
///
/// While both kinds wait, batch gets `batchShare` of the tokens and no more: so it is never starved. Its credit grows with each
/// interactive request by what that costs, and it is served when it can pay. Where one kind waits alone it is served at once.
struct FairQueue<Element> {
    struct Settings: Sendable {
        /// Requests that wait at most.
        var capacity = 256
        /// Of all tokens, what batch gets while interactive requests wait; 0 to below 1.
        var batchShare = 0.125
        init() {}
    }

    struct Ticket: Equatable {
        fileprivate let priority: Priority
        fileprivate let ticket: FairLine<Element>.Ticket
    }

    /// The least that a request is taken to cost, which is also what a turn is worth: a turn is one request, however small.
    static var leastTokens: Int { 256 }
    /// The most, whatever it claims to take.
    static var mostTokens: Int { 65_536 }

    let settings: Settings
    private var interactive = FairLine<Element>(quantum: leastTokens)
    private var batch = FairLine<Element>(quantum: leastTokens)
    /// Tokens that batch may take before interactive requests that wait.
    private var credit = 0.0

    init(settings: Settings = Settings()) {
        precondition(settings.batchShare >= 0 && settings.batchShare < 1, "a share of all tokens")
        self.settings = settings
    }

    var count: Int { interactive.count + batch.count }
    var isEmpty: Bool { count == 0 }
    func count(_ priority: Priority) -> Int { priority == .batch ? batch.count : interactive.count }

    static func cost(_ tokens: Int) -> Int { min(max(tokens, leastTokens), mostTokens) }

    /// nil: the line is full.
    mutating func add(_ element: Element, _ request: AdmissionRequest) -> Ticket? {
        guard count < settings.capacity else { return nil }
        let cost = Self.cost(request.tokens)
        let ticket =
            request.priority == .batch
            ? batch.add(element, entry: request.entry, user: request.user, cost: cost)
            : interactive.add(element, entry: request.entry, user: request.user, cost: cost)
        return Ticket(priority: request.priority, ticket: ticket)
    }

    /// Takes out the one whose turn it is; nil: nobody waits.
    mutating func next() -> Element? {
        guard let cost = interactive.nextCost() else { return nextOfBatch() }
        guard let batchCost = batch.nextCost() else { return interactive.next() }
        if credit >= Double(batchCost) {
            credit -= Double(batchCost)
            return nextOfBatch()
        }
        credit += Double(cost) * settings.batchShare / (1 - settings.batchShare)
        return interactive.next()
    }

    private mutating func nextOfBatch() -> Element? {
        let element = batch.next()
        if batch.count == 0 { credit = 0 }
        return element
    }

    /// Takes out one that waits no longer; false if its turn came already.
    mutating func remove(_ ticket: Ticket) -> Bool {
        switch ticket.priority {
        case .interactive: return interactive.remove(ticket.ticket)
        case .batch:
            let isRemoved = batch.remove(ticket.ticket)
            if batch.count == 0 { credit = 0 }
            return isRemoved
        }
    }

    /// About how many are served before such a request, if it comes now.
    func ahead(of request: AdmissionRequest) -> Int {
        switch request.priority {
        case .interactive: interactive.ahead(entry: request.entry, user: request.user)
        case .batch: interactive.count + batch.ahead(entry: request.entry, user: request.user)
        }
    }
}
