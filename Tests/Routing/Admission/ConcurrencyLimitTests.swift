import Testing

@testable import Routing

/// A backend that serves so many at once well; beyond that, requests wait in its own line.
private struct Backend {
    var capacity: Int
    var seconds = 0.1
    var random: SplitMix64

    mutating func firstToken(running: Int) -> Double {
        let unit = Double(random.next() >> 11) * 0x1p-53
        let crowd = running > capacity ? Double(running - capacity) * 0.2 : 0
        return seconds * (1 + 0.5 * Double(running) / Double(capacity)) * (0.7 + 0.6 * unit) + crowd
    }
}

/// Limits over virtual time, one a second; as many run as may, or as `demand` allows.
private func run(
    _ limit: inout ConcurrencyLimit, _ backend: inout Backend, seconds: Int, from start: Int = 1, demand: Int = .max
) -> [Int] {
    var limits: [Int] = []
    for second in start..<(start + seconds) {
        for step in 0..<20 as Range<UInt64> {
            let running = min(limit.limit, demand)
            let began = UInt64(second) * 1_000_000_000 + step * 50_000_000
            let took = UInt64(backend.firstToken(running: running) * 1e9)
            limit.sample(began: began, now: began + took, promptTokens: 0, running: running)
        }
        limits.append(limit.limit)
    }
    return limits
}

@Suite struct ConcurrencyLimitTests {
    @Test(arguments: [6, 24, 60, 150], 1...4 as ClosedRange<UInt64>)
    func itFindsWhatABackendServesWell(capacity: Int, seed: UInt64) {
        var limit = ConcurrencyLimit()
        var backend = Backend(capacity: capacity, random: SplitMix64(seed: seed))
        _ = run(&limit, &backend, seconds: 120)
        let limits = run(&limit, &backend, seconds: 3600, from: 200).sorted()
        // Most of the time about as many as are served well, and never many more than that.
        #expect(limits[limits.count / 2] >= capacity * 2 / 3)
        #expect(limits[limits.count * 99 / 100] <= capacity * 3 / 2 + 4)
        #expect(limits.allSatisfy { $0 >= 1 && $0 <= 256 })
    }

    @Test func itFollowsABackendThatBecomesSmaller() {
        var limit = ConcurrencyLimit()
        var backend = Backend(capacity: 64, random: SplitMix64(seed: 5))
        _ = run(&limit, &backend, seconds: 300)
        backend.capacity = 8
        let limits = run(&limit, &backend, seconds: 300, from: 400)
        #expect(limits.suffix(100).allSatisfy { $0 <= 16 })
    }

    @Test func whereFewAskItStays() {
        var limit = ConcurrencyLimit()
        var backend = Backend(capacity: 64, random: SplitMix64(seed: 6))
        #expect(run(&limit, &backend, seconds: 3000, demand: 3).dropFirst(10).allSatisfy { $0 == 8 })
    }

    @Test func longPromptsAreNoCongestion() {
        var limit = ConcurrencyLimit()
        var random = SplitMix64(seed: 7)
        for index in 1...4000 as ClosedRange<UInt64> {
            // Reading takes its time in proportion; hours of short prompts before.
            let prompt = index < 2000 ? 100 : Int(random.next() % 32_000)
            let took = UInt64((0.1 + 0.2 * Double(prompt) / 2048) * 1e9)
            limit.sample(began: index * 100_000_000, now: index * 100_000_000 + took, promptTokens: prompt, running: 3)
        }
        #expect(limit.limit == 8)
    }

    @Test func whatTheServerTellsIsNeverExceeded() {
        var settings = ConcurrencyLimit.Settings()
        settings.most = 0
        #expect(ConcurrencyLimit(settings: settings).limit == 1)
        var limit = ConcurrencyLimit()
        limit.bound(by: 10)
        var backend = Backend(capacity: 1000, random: SplitMix64(seed: 8))
        let limits = run(&limit, &backend, seconds: 1000)
        #expect(limits.max() == 10)
        limit.bound(by: 0)
        #expect(limit.limit == 1)
        backend.capacity = 1
        backend.seconds = 100
        #expect(run(&limit, &backend, seconds: 100, from: 2000).allSatisfy { $0 == 1 })
    }

    @Test func clocksThatGoBackAndAbsurdPromptsDoNoHarm() {
        var limit = ConcurrencyLimit()
        for prompt in [Int.min, -1, 0, Int.max] {
            for now in [0, 5, UInt64.max] as [UInt64] {
                limit.sample(began: 10, now: now, promptTokens: prompt, running: 1)
                limit.sample(began: now, now: now, promptTokens: prompt, running: Int.max / 8)
            }
        }
        #expect(limit.limit >= 1)
    }
}
