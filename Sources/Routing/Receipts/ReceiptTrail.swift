package import Gossip

/// What one request has been through, written down as it goes: numbers in storage that is used again, so that a request whose receipt
/// nobody reads costs no allocation. `receipt(_:)` makes the whole of it.
public struct ReceiptTrail: Sendable {
    /// One choice and what came of it.
    struct Mark: Sendable {
        var now: UInt64
        var random: UInt64
        /// As it was then: blocks are set and lifted while a request is under way.
        var needs: RequestNeeds
        /// Among which candidates, and where what was known of them begins in `samples`.
        var leg: Int
        var firstSample: Int
        var picked: Journey.Step?
        var direct: NodeID?
        var ended: End?
        var endedAt: UInt64 = 0
        /// Of a second attempt beside the one before.
        var isHedge = false
        var queued: Bool { picked?.queues == true }
    }

    /// How a try ended. Nothing of an answer is kept: it is the user's.
    enum End: Sendable {
        case answered, refused, clientGone
        /// Another attempt at the same time had its first byte sooner.
        case outrun
        case failed(String)
        case interrupted(String)

        var text: String {
            switch self {
            case .answered: "answered"
            case .refused: "refused"
            case .clientGone: "clientGone"
            case .outrun: "outrun"
            case .failed(let why): "failed: \(why)"
            case .interrupted(let why): "interrupted: \(why)"
            }
        }
    }

    /// Choices written down of one request; more than a journey makes, whatever it meets.
    static let marksKept = 32

    public internal(set) var id: UInt64 = 0
    public internal(set) var requestID = ""
    /// Nanoseconds since 1970, and monotonic, when the request came.
    public internal(set) var at: UInt64 = 0
    var began: UInt64 = 0
    public internal(set) var model = ""
    public internal(set) var user = ""
    var entry = NodeID(site: "", node: "")
    var needs = RequestNeeds(model: "")
    var candidates: [Candidate] = []
    /// Those among which it went on later: of a view that has changed, or that can carry a broken answer on.
    var laterCandidates: [[Candidate]] = []
    private var hasBegun = false
    var limits = Journey.Limits()
    /// As `Receipt` has them.
    public var site: String?
    public var reason: RouteReason?
    public var tries = 0
    public var bounces = 0
    public var outcome = ""
    var marks: ContiguousArray<Mark> = []
    /// Of each mark, one of each candidate.
    var samples: ContiguousArray<LiveLoad.Sample> = []
    /// What it holds, as far as the ring's limit counts it.
    var bytes = 0

    public init() {}

    /// Begins that of a request. Begun once more, it goes on, anew among other candidates.
    ///
    /// - Parameters:
    ///   - at: nanoseconds since 1970.
    ///   - now: monotonic nanoseconds.
    package mutating func begin(
        requestID: String, user: String, entry: NodeID, needs: RequestNeeds, candidates: [Candidate], at: UInt64, now: UInt64
    ) {
        guard !hasBegun else { return goesOn(among: candidates) }
        hasBegun = true
        self.requestID = requestID
        self.at = at
        began = now
        model = needs.model
        self.user = user
        self.entry = entry
        self.needs = needs
        self.candidates = candidates
    }

    /// A new journey begins, among other candidates.
    mutating func goesOn(among candidates: [Candidate]) { laterCandidates.append(candidates) }

    /// Those of a part of its way.
    func among(_ leg: Int) -> [Candidate] { leg == 0 ? candidates : laterCandidates[leg - 1] }

    /// Forgets it all, but for the storage.
    package mutating func clear() {
        var empty = ReceiptTrail()
        swap(&empty.marks, &marks)
        swap(&empty.samples, &samples)
        empty.marks.removeAll(keepingCapacity: true)
        empty.samples.removeAll(keepingCapacity: true)
        self = empty
    }

    /// The next step of a journey, with all that it is decided by written down.
    ///
    /// Loads change at any moment, by other workers' requests. Where one did while the choice looked at them, it looks again, and in the
    /// end at a copy that nobody changes: what is written down is what was seen, and gives the same when it is replayed.
    package mutating func next(
        _ journey: inout Journey, _ choice: Choice, for needs: RequestNeeds, now: UInt64, random: inout SplitMix64
    ) -> Journey.Step? {
        let before = random.state
        let leg = laterCandidates.count
        let candidates = among(leg)
        limits = journey.limits
        guard marks.count < Self.marksKept else {
            return journey.next(choice, candidates, for: needs, now: now, random: &random)
        }
        let first = samples.count
        for _ in 0..<Self.looks {
            samples.removeLast(samples.count - first)
            for index in candidates.indices { samples.append(candidates[index].load.sample()) }
            var attempt = journey
            random = SplitMix64(seed: before)
            let picked = attempt.next(choice, candidates, for: needs, now: now, random: &random)
            guard isStill(candidates, from: first) else { continue }
            journey = attempt
            marks.append(
                Mark(now: now, random: before, needs: needs, leg: leg, firstSample: first, picked: picked))
            return picked
        }
        random = SplitMix64(seed: before)
        let picked = journey.next(choice, still(candidates, from: first), for: needs, now: now, random: &random)
        marks.append(Mark(now: now, random: before, needs: needs, leg: leg, firstSample: first, picked: picked))
        return picked
    }

    /// Before it chooses by a copy.
    private static let looks = 3

    private func isStill(_ candidates: [Candidate], from first: Int) -> Bool {
        for index in candidates.indices where candidates[index].load.sample() != samples[first + index] { return false }
        return true
    }

    private func still(_ candidates: [Candidate], from first: Int) -> [Candidate] {
        candidates.indices.map { candidates[$0].with(LiveLoad(samples[first + $0])) }
    }

    /// How the try at what was picked last ended.
    mutating func ended(_ attempt: Attempt, now: UInt64) {
        guard !marks.isEmpty, marks[marks.count - 1].ended == nil else { return }
        marks[marks.count - 1].ended = End(attempt)
        marks[marks.count - 1].endedAt = now
    }

    /// The journey found nothing left, and the endpoint of a site is used without its node.
    mutating func goesDirectly(to node: NodeID) {
        guard !marks.isEmpty else { return }
        marks[marks.count - 1].direct = node
    }

    /// Whether somebody will want to know: it failed, broke, was continued, was refused more than once, or a try of it failed.
    var isTroubled: Bool {
        if bounces > 1 || reason == .continued || outcome.hasPrefix("failed") || outcome.hasPrefix("interrupted") {
            return true
        }
        return marks.contains { if case .failed? = $0.ended { true } else { $0.isHedge } }
    }
}

extension ReceiptTrail.End {
    init(_ attempt: Attempt) {
        switch attempt {
        case .answered: self = .answered
        case .refused: self = .refused
        case .clientGone: self = .clientGone
        case .failed(let failure): self = .failed(failure.message)
        case .interrupted(let why): self = .interrupted(why)
        case .broken(let broken): self = .interrupted(broken.message)
        }
    }
}
