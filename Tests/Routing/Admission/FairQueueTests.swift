import Testing

@testable import Routing

private struct Asked: Equatable {
    var site: UInt64
    var user: UInt64
    var tokens: Int
    var priority = Priority.interactive

    var request: AdmissionRequest { AdmissionRequest(priority: priority, entry: site, user: user, tokens: tokens) }
}

/// A queue that is kept full by everyone in `askers`: whoever is served comes again at once, with tokens drawn anew.
private func served(
    _ askers: [Asked], rounds: Int, inLine: Int = 4, seed: UInt64, tokens: (inout SplitMix64, Asked) -> Int = { $1.tokens }
) -> [(Asked, tokens: Int)] {
    var random = SplitMix64(seed: seed)
    var settings = FairQueue<Asked>.Settings()
    settings.capacity = 100_000
    var queue = FairQueue<Asked>(settings: settings)
    func add(_ asker: Asked) {
        var asked = asker
        asked.tokens = tokens(&random, asker)
        #expect(queue.add(asked, asked.request) != nil)
    }
    for _ in 0..<inLine { for asker in askers { add(asker) } }
    var out: [(Asked, tokens: Int)] = []
    for _ in 0..<rounds {
        guard let next = queue.next() else { break }
        out.append((next, FairQueue<Asked>.cost(next.tokens)))
        add(askers.first { ($0.site, $0.user, $0.priority) == (next.site, next.user, next.priority) } ?? next)
    }
    return out
}

private func tokens(_ served: [(Asked, tokens: Int)], _ isOf: (Asked) -> Bool) -> Int {
    served.reduce(0) { isOf($1.0) ? $0 + $1.tokens : $0 }
}

@Suite struct FairQueueTests {
    @Test func usersTakeTurnsHoweverManyRequestsEachHas() {
        var queue = FairQueue<String>()
        for index in 0..<6 { _ = queue.add("a\(index)", AdmissionRequest(entry: 1, user: 1, tokens: 10)) }
        for index in 0..<3 { _ = queue.add("b\(index)", AdmissionRequest(entry: 1, user: 2, tokens: 10)) }
        var order: [String] = []
        while let next = queue.next() { order.append(next) }
        #expect(order == ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "a4", "a5"])
    }

    @Test func sitesTakeTurnsHoweverManyUsersEachHas() {
        var queue = FairQueue<String>()
        for user in 0..<4 as Range<UInt64> { _ = queue.add("a\(user)", AdmissionRequest(entry: 1, user: user, tokens: 10)) }
        for index in 0..<2 { _ = queue.add("b\(index)", AdmissionRequest(entry: 2, user: 9, tokens: 10)) }
        var order: [String] = []
        while let next = queue.next() { order.append(next) }
        #expect(order == ["a0", "b0", "a1", "b1", "a2", "a3"])
    }

    @Test func whoAsksForTenTimesAsMuchIsServedATenthAsOften() {
        let served = served(
            [Asked(site: 1, user: 1, tokens: 8000), Asked(site: 1, user: 2, tokens: 800)], rounds: 1100, seed: 1)
        #expect(served.count { $0.0.user == 1 } == 100)
        #expect(served.count { $0.0.user == 2 } == 1000)
    }

    /// Any two that wait all the time never differ by more than a turn and the largest request.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func sharesAreExact(seed: UInt64) {
        let askers = (0..<3).flatMap { site in
            (0...UInt64(site)).map { Asked(site: UInt64(site), user: $0, tokens: 0) }
        }
        let served = served(askers, rounds: 4000, seed: seed) { random, asker in
            // Some ask for much, some for little.
            256 + Int(random.next() % (asker.user == 0 ? 16_000 : 1_000))
        }
        let bound = FairQueue<Asked>.leastTokens + 16_256
        var bySite: [UInt64: Int] = [:]
        for (asked, tokens) in served {
            bySite[asked.site, default: 0] += tokens
            let least = (0..<3).map { bySite[$0] ?? 0 }.min() ?? 0
            let most = (0..<3).map { bySite[$0] ?? 0 }.max() ?? 0
            #expect(most - least <= bound)
        }
        let users = (0...2 as ClosedRange<UInt64>).map { user in tokens(served) { $0.site == 2 && $0.user == user } }
        #expect((users.max() ?? 0) - (users.min() ?? 0) <= bound)
    }

    /// One large request at a time, never two in line: its debt is remembered while others wait.
    @Test func whoComesOneAtATimePaysAllTheSame() {
        var queue = FairQueue<UInt64>()
        for _ in 0..<200 { _ = queue.add(2, AdmissionRequest(entry: 1, user: 2, tokens: 256)) }
        _ = queue.add(1, AdmissionRequest(entry: 1, user: 1, tokens: 2560))
        var order: [UInt64] = []
        while order.count < 110, let next = queue.next() {
            order.append(next)
            if next == 1 { _ = queue.add(1, AdmissionRequest(entry: 1, user: 1, tokens: 2560)) }
        }
        #expect(order.count { $0 == 1 } == 10)
    }

    @Test func interactiveGoesFirstAndBatchIsNotStarved() {
        let served = served(
            [
                Asked(site: 1, user: 1, tokens: 1000), Asked(site: 1, user: 2, tokens: 1000, priority: .batch),
                Asked(site: 2, user: 3, tokens: 1000, priority: .batch),
            ], rounds: 1600, seed: 3)
        // Eight tokens for one, and never before interactive requests have paid for it.
        #expect(served.count { $0.0.priority == .batch } == 200)
        #expect(served.prefix(7).allSatisfy { $0.0.priority == .interactive })
        #expect(served[7].0.priority == .batch)
        var since = 0
        for (asked, _) in served {
            since = asked.priority == .batch ? 0 : since + 1
            #expect(since <= 7)
        }
    }

    @Test func aShareOfNothingLetsBatchWaitForAll() {
        var settings = FairQueue<Int>.Settings()
        settings.batchShare = 0
        var queue = FairQueue<Int>(settings: settings)
        for index in 0..<4 { _ = queue.add(100 + index, AdmissionRequest(priority: .batch, tokens: 10)) }
        for index in 0..<40 { _ = queue.add(index, AdmissionRequest(tokens: 10)) }
        var order: [Int] = []
        while let next = queue.next() { order.append(next) }
        #expect(order == Array(0..<40) + Array(100..<104))
    }

    @Test func theLineIsBounded() {
        var settings = FairQueue<Int>.Settings()
        settings.capacity = 3
        var queue = FairQueue<Int>(settings: settings)
        let tickets = (0..<4).map {
            queue.add($0, AdmissionRequest(priority: $0 == 0 ? .batch : .interactive, user: UInt64($0)))
        }
        #expect(tickets.map { $0 != nil } == [true, true, true, false])
        if let first = tickets[0] {
            let gone = queue.remove(first)
            let again = queue.remove(first)
            #expect(gone && !again)
        }
        #expect(queue.count == 2 && queue.count(.batch) == 0)
        #expect(queue.add(9, AdmissionRequest()) != nil)
    }

    /// Absurd estimates buy neither a turn for nothing nor a debt for ever.
    @Test(arguments: [(Int.min, 256), (-1, 256), (0, 256), (257, 257), (65_536, 65_536), (Int.max, 65_536)])
    func costsAreBounded(_ tokens: Int, _ cost: Int) {
        #expect(FairQueue<Int>.cost(tokens) == cost)
    }

    @Test func howManyAreServedBefore() {
        var queue = FairQueue<Int>()
        #expect(queue.ahead(of: AdmissionRequest()) == 0)
        for index in 0..<20 { _ = queue.add(index, AdmissionRequest(entry: 1, user: 1, tokens: 10)) }
        #expect(queue.ahead(of: AdmissionRequest(entry: 1, user: 1)) == 20)
        // Whoever has nothing in line yet waits for one turn of the other.
        #expect(queue.ahead(of: AdmissionRequest(entry: 1, user: 2)) == 1)
        #expect(queue.ahead(of: AdmissionRequest(entry: 2, user: 1)) == 1)
        #expect(queue.ahead(of: AdmissionRequest(priority: .batch, entry: 2, user: 1)) == 20)
    }

    /// Against a list that is searched: whatever comes, goes and gives up, each is served once or removed once, in its user's order.
    @Test(arguments: 1...30 as ClosedRange<UInt64>) func nothingIsLostOrDoubled(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var settings = FairQueue<Int>.Settings()
        settings.capacity = 60
        var queue = FairQueue<Int>(settings: settings)
        var waiting: [(id: Int, request: AdmissionRequest, ticket: FairQueue<Int>.Ticket)] = []
        var old: [FairQueue<Int>.Ticket] = []
        for id in 0..<3000 {
            switch random.next() % 5 {
            case 0, 1:
                let request = AdmissionRequest(
                    priority: random.next() % 3 == 0 ? .batch : .interactive, entry: random.next() % 3,
                    user: random.next() % 5, tokens: Int(random.next() % 20_000))
                let ticket = queue.add(id, request)
                #expect((ticket == nil) == (waiting.count == 60))
                if let ticket { waiting.append((id, request, ticket)) }
            case 2 where !waiting.isEmpty:
                let gone = waiting.remove(at: Int(random.next() % UInt64(waiting.count)))
                let isRemoved = queue.remove(gone.ticket)
                #expect(isRemoved)
                old.append(gone.ticket)
            case 3 where !old.isEmpty:
                let isRemoved = queue.remove(old[Int(random.next() % UInt64(old.count))])
                #expect(!isRemoved)
            default:
                let next = queue.next()
                #expect((next == nil) == waiting.isEmpty)
                guard let next, let index = waiting.firstIndex(where: { $0.id == next }) else { continue }
                let mine = waiting[index].request
                let before = waiting[..<index].contains {
                    ($0.request.priority, $0.request.entry, $0.request.user) == (mine.priority, mine.entry, mine.user)
                }
                #expect(!before)
                old.append(waiting.remove(at: index).ticket)
            }
            #expect(queue.count == waiting.count)
        }
    }
}
