import Testing

@testable import Storage

private func refusal(_ actor: String, at: UInt64, _ detail: String = "expired") -> AuditEvent {
    AuditEvent(.refusal, actor: actor, subject: "mesh connection", detail: detail, at: at)
}

@Test func theFirstRefusalIsToldAtOnceAndTheRestAsOne() {
    var counter = RefusalCounter()
    let first = counter.take(refusal("1.2.3.4", at: 1000))
    #expect(first.map(\.count) == [1])
    for index in 1...500 {
        let due = counter.take(refusal("1.2.3.4", at: 1000 + UInt64(index)))
        #expect(due.isEmpty)
    }
    let early = counter.settle(now: 60_999)
    #expect(early.isEmpty)
    let told = counter.settle(now: 61_000)
    #expect(told.map(\.count) == [500])
    #expect(told.first?.firstAt == 1001 && told.first?.at == 1500)
    #expect(counter.isEmpty)
    let anew = counter.take(refusal("1.2.3.4", at: 61_001))
    #expect(anew.map(\.count) == [1])
}

@Test func manyStrangersShareOneEntry() {
    var counter = RefusalCounter()
    var written = 0
    for minute in 0..<10 {
        for index in 0..<1000 {
            written +=
                counter.take(refusal("10.0.\(index / 250).\(index % 250)", at: UInt64(minute * 60_000 + index * 60))).count
        }
    }
    let last = counter.settle(now: .max)
    written += last.count
    #expect(written <= 10 * 2 * (RefusalCounter.kindsToldApart + 1))
    #expect(last.contains { $0.actor == "others" && $0.count > 900 })
}

@Test func noneIsForgotten() {
    var counter = RefusalCounter()
    var total: UInt64 = 0
    for index in 0..<5000 {
        let due = counter.take(refusal("host \(index % 37)", at: UInt64(index * 100)))
        total += due.reduce(0) { $0 + $1.count }
    }
    total += counter.settle(now: .max).reduce(0) { $0 + $1.count }
    #expect(total == 5000)
}

@Test func aClockThatIsSetBackHoldsNothingBack() {
    var counter = RefusalCounter()
    _ = counter.take(refusal("a", at: 10_000_000))
    _ = counter.take(refusal("a", at: 10_000_001))
    let told = counter.settle(now: 5_000)
    #expect(told.map(\.count) == [1])
}
