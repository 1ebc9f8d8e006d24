import Testing

@testable import Simulation

@Suite struct InferenceSiteTests {
    @Test("one request alone takes its prompt and its tokens")
    func alone() throws {
        var site = site(slots: 4, slowdown: 0.5)
        let work = site.work(input: 500, output: 100)
        #expect(work == 1.5)
        site.start(7, work: work, now: 10)
        #expect(try #require(site.nextEnd) == 11.5)
        #expect(site.finish(now: 11.5) == 7)
        #expect(site.nextEnd == nil && site.runningCount == 0)
    }

    @Test("what runs together shares the speed")
    func sharing() throws {
        // Where all three slots are taken a token takes twice as long, where two are, half as long again.
        var site = site(slots: 3, slowdown: 1)
        for request in 0..<3 { site.start(request, work: Double(request + 1), now: 0) }
        // 1 s of work at half speed; then 1 s more of two at two thirds; then 1 s alone.
        for (request, end) in [(0, 2.0), (1, 3.5), (2, 4.5)] {
            #expect(abs(try #require(site.nextEnd) - end) < 1e-9)
            #expect(site.finish(now: end) == request)
        }
    }

    @Test("one that joins later slows the others from then on")
    func joining() throws {
        var site = site(slots: 2, slowdown: 1)
        site.start(0, work: 2, now: 0)
        site.start(1, work: 4, now: 1)
        // A second's work is left of the first, at half speed.
        #expect(abs(try #require(site.nextEnd) - 3) < 1e-9)
        #expect(site.finish(now: 3) == 0)
        #expect(abs(try #require(site.nextEnd) - 6) < 1e-9)
    }

    @Test("a full site has no room, and a line is first come, first served")
    func line() {
        var site = site(slots: 1)
        #expect(site.hasRoom)
        site.start(0, work: 1, now: 0)
        site.wait(1)
        site.wait(2)
        #expect(!site.hasRoom && site.waitingCount == 2 && site.next() == nil)
        #expect(site.finish(now: 1) == 0)
        // Who comes now has to stand behind those in line.
        #expect(!site.hasRoom)
        #expect(site.next() == 1)
        #expect(site.waitingCount == 1)
    }

    @Test("what is expected of a line")
    func expectation() {
        var site = site(slots: 2)
        #expect(site.expectedWait(meanWork: 4, coming: 1) == 0)
        // Two are served in 4 s; with two that run, the next waits for half of that.
        for request in 0..<2 { site.start(request, work: 4, now: 0) }
        #expect(site.expectedWait(meanWork: 4, coming: 0) == 2)
        site.wait(2)
        #expect(site.expectedWait(meanWork: 4, coming: 1) == 6)
    }

    @Test("where it ends, all that was there is lost, and it begins anew with nothing")
    func stopping() throws {
        var site = site(slots: 2, cacheTokens: 100)
        site.cache.keep(1, tokens: 50)
        for request in 0..<2 { site.start(request, work: 9, now: 0) }
        site.wait(2)
        #expect(site.stop().sorted() == [0, 1, 2])
        #expect(site.isDown && site.nextEnd == nil && site.waitingCount == 0)
        site.restart(now: 50)
        #expect(!site.isDown && site.hasRoom && site.cache.use(1, prefix: 50) == 0)
        site.start(3, work: 2, now: 60)
        #expect(try #require(site.nextEnd) == 62)
    }
}

@Suite struct PrefixCacheTests {
    @Test("no more is read from it than was put in, and no more than is asked for")
    func use() {
        var cache = PrefixCache(capacity: 1000)
        #expect(cache.use(1, prefix: 100) == 0)
        cache.keep(1, tokens: 80)
        #expect(cache.use(1, prefix: 100) == 80)
        #expect(cache.use(1, prefix: 30) == 30)
        #expect(cache.use(2, prefix: 30) == 0)
        // A shorter prompt of the same conversation takes nothing away.
        cache.keep(1, tokens: 50)
        #expect(cache.use(1, prefix: 100) == 80 && cache.tokens == 80)
    }

    @Test("the least lately used makes room")
    func room() {
        var cache = PrefixCache(capacity: 100)
        for conversation in 1...3 { cache.keep(conversation, tokens: 30) }
        #expect(cache.use(1, prefix: 30) == 30)
        cache.keep(4, tokens: 40)
        // 2 is gone, and 1 stays although it came before: it was used.
        #expect([1, 2, 3, 4].map { cache.use($0, prefix: 40) } == [30, 0, 30, 40])
        #expect(cache.tokens == 100)
    }

    @Test("what is larger than all of it is not held, and what it held of it is gone")
    func large() {
        var cache = PrefixCache(capacity: 100)
        cache.keep(1, tokens: 60)
        cache.keep(2, tokens: 30)
        cache.keep(1, tokens: 101)
        #expect(cache.use(1, prefix: 10) == 0 && cache.use(2, prefix: 30) == 30 && cache.tokens == 30)
    }
}
