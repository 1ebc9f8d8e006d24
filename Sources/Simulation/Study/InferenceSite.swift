/// A site's inference server with continuous batching: what runs shares its speed, what finds no slot waits in line.
struct InferenceSite {
    /// A request that runs, and how far the server's work has come when it is done.
    private struct Running: Comparable {
        var request: Int
        var end: Double

        static func < (a: Running, b: Running) -> Bool { a.end == b.end ? a.request < b.request : a.end < b.end }
    }

    let slots: Int
    /// Seconds a token where nothing else runs.
    let tokenSeconds: Double
    let prefillTokensPerSecond: Double
    /// How much longer a token takes where all slots are taken: 0.5 for half as long again.
    let slowdown: Double
    /// What it has read before.
    var cache: PrefixCache
    private var running = Heap<Running>()
    private(set) var queue: [Int] = []
    private var queueStart = 0
    /// Seconds of work that each running request has been given so far.
    private var done = 0.0
    private var doneAt = 0.0
    private(set) var isDown = false

    init(slots: Int, tokenSeconds: Double, prefillTokensPerSecond: Double, slowdown: Double, cacheTokens: Double = 0) {
        self.slots = slots
        self.tokenSeconds = tokenSeconds
        self.prefillTokensPerSecond = prefillTokensPerSecond
        self.slowdown = slowdown
        cache = PrefixCache(capacity: cacheTokens)
    }

    var runningCount: Int { running.count }
    var waitingCount: Int { queue.count - queueStart }
    var hasRoom: Bool { running.count < slots && waitingCount == 0 }

    /// Seconds of work a second that each request is given while so many run.
    private func speed(_ running: Int) -> Double {
        guard slots > 1, running > 1 else { return 1 }
        return 1 / (1 + slowdown * Double(running - 1) / Double(slots - 1))
    }

    /// Seconds of work in one request.
    func work(input: Double, output: Double) -> Double { input / prefillTokensPerSecond + output * tokenSeconds }

    /// Requests a second that it can serve at most, each of so many seconds of work.
    func capacity(meanWork: Double) -> Double { Double(slots) * speed(slots) / meanWork }

    /// Seconds until one more request would run, after all that wait and so many that are on their way, as expected.
    func expectedWait(meanWork: Double, coming: Int) -> Double {
        let behind = running.count + waitingCount + coming + 1 - slots
        return behind <= 0 ? 0 : Double(behind) / capacity(meanWork: meanWork)
    }

    private mutating func advance(to now: Double) {
        done += (now - doneAt) * speed(running.count)
        doneAt = now
    }

    /// Starts a request; the caller has seen that there is room.
    mutating func start(_ request: Int, work: Double, now: Double) {
        advance(to: now)
        running.push(Running(request: request, end: done + work))
    }

    mutating func wait(_ request: Int) { queue.append(request) }

    /// The next in line, if there is room.
    mutating func next() -> Int? {
        guard running.count < slots, queueStart < queue.count else { return nil }
        let request = queue[queueStart]
        queueStart += 1
        if queueStart > 4096 {
            queue.removeFirst(queueStart)
            queueStart = 0
        }
        return request
    }

    /// When the first of the running ones is done, if nothing else comes.
    var nextEnd: Double? {
        running.first.map { doneAt + max($0.end - done, 0) / speed(running.count) }
    }

    /// Ends the first of the running ones.
    mutating func finish(now: Double) -> Int? {
        advance(to: now)
        return running.pop()?.request
    }

    /// It ends, with all that it had.
    ///
    /// - Returns: the requests that ran or waited there.
    mutating func stop() -> [Int] {
        isDown = true
        var lost = Array(queue[queueStart...])
        queue = []
        queueStart = 0
        while let next = running.pop() { lost.append(next.request) }
        cache.empty()
        return lost
    }

    /// It runs again, and remembers nothing.
    mutating func restart(now: Double) {
        isDown = false
        doneAt = now
    }
}
