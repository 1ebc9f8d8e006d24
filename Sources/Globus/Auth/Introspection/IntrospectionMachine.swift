import Trust

/// What is remembered of tokens and of Globus Auth itself, and what to do with a caller. Pure: time is passed in.
struct IntrospectionMachine: Sendable {
    struct Known: Sendable {
        var identity: GlobusIdentity
        /// Monotonic nanoseconds.
        var refreshAt: UInt64
        var freshUntil: UInt64
        var staleUntil: UInt64
        /// Questions that failed since the last answer.
        var failures = 0
    }

    struct Refused: Sendable {
        var refusal: GlobusRefusal
        var until: UInt64
    }

    enum Step: Sendable, Equatable {
        case answer(Introspection)
        /// The answer, and a question in the background.
        case answerAndAsk(Introspection)
        /// A question, and wait for its answer.
        case ask
        /// Another caller's question is under way, or in line.
        case wait
    }

    private let settings: IntrospectionSettings
    private(set) var known: BoundedTable<SHA256Digest, Known>
    private(set) var refused: BoundedTable<SHA256Digest, Refused>
    /// Tokens that a question is under way for.
    private(set) var asking: Set<SHA256Digest> = []
    /// Which client brought an unknown token that is asked about, and how many of these each client has.
    private var bringers: [SHA256Digest: String] = [:]
    private(set) var questions: [String: Int] = [:]
    /// Until then unknown tokens are not asked about.
    private var outageUntil: UInt64 = 0
    private var outageMessage = ""
    private var failuresInARow = 0

    /// Part of an entry's life after which it is asked about again in the background.
    static let refreshPart = 0.8
    /// Seconds that unknown tokens are not asked about after Globus could not be reached.
    static let outageSeconds: UInt64 = 2
    /// Seconds at most that Globus may ask for in `Retry-After`.
    static let longestOutageSeconds: UInt64 = 10
    /// Server errors in a row that count as an outage: one alone may be about one token.
    static let failuresForOutage = 3
    /// Longest wait in seconds between questions about a known token while they fail.
    static let longestRetrySeconds: UInt64 = 30

    init(_ settings: IntrospectionSettings) {
        self.settings = settings
        known = BoundedTable(capacity: settings.knownTokens)
        refused = BoundedTable(capacity: settings.refusedTokens)
    }

    /// - Parameter client: who brings the token, by network address; nil: somebody whose questions are not counted.
    mutating func arrived(_ digest: SHA256Digest, from client: String? = nil, now: UInt64, wall: UInt64) -> Step {
        if let entry = known.find(digest) {
            if entry.identity.expiresAt <= wall || entry.staleUntil <= now {
                known.remove(digest)
            } else {
                let answer = Introspection.active(entry.identity)
                // Waiting makes sense only if the last question did not fail: else the answer is an old one anyway.
                let goesOn = now < entry.freshUntil || entry.failures > 0 || outageUntil > now
                if now < entry.refreshAt || (asking.contains(digest) && goesOn) { return .answer(answer) }
                if asking.contains(digest) { return .wait }
                if outageUntil > now { return .answer(answer) }
                asking.insert(digest)
                return goesOn ? .answerAndAsk(answer) : .ask
            }
        } else if let entry = refused.find(digest) {
            if entry.until > now { return .answer(.refused(entry.refusal)) }
            refused.remove(digest)
        }
        if asking.contains(digest) { return .wait }
        if outageUntil > now { return .answer(unavailable(now)) }
        guard asking.count < settings.concurrentQuestions + settings.waitingQuestions else {
            return .answer(.unavailable(retryAfterSeconds: 1, "too many new users at once"))
        }
        if let client {
            let own = questions[client] ?? 0
            guard own < settings.questionsPerClient else {
                return .answer(.unavailable(retryAfterSeconds: 1, "too many new tokens at once from your network address"))
            }
            questions[client] = own + 1
            bringers[digest] = client
        }
        asking.insert(digest)
        return .ask
    }

    private mutating func ended(_ digest: SHA256Digest) {
        asking.remove(digest)
        guard let client = bringers.removeValue(forKey: digest), let own = questions[client] else { return }
        questions[client] = own > 1 ? own - 1 : nil
    }

    /// - Returns: what the callers that waited get.
    mutating func answered(
        _ digest: SHA256Digest, _ outcome: Result<GlobusIdentity, GlobusRefusal>, now: UInt64, wall: UInt64
    ) -> Introspection {
        ended(digest)
        failuresInARow = 0
        outageUntil = 0
        switch outcome {
        case .success(let identity):
            refused.remove(digest)
            // Past its end by this machine's clock, though Globus holds it active: used now and not kept.
            let left = identity.expiresAt > wall ? identity.expiresAt - wall : 0
            guard left > 0 else {
                known.remove(digest)
                return .active(identity)
            }
            let life = min(settings.boundedCacheSeconds, left)
            known.put(
                digest,
                Known(
                    identity: identity, refreshAt: now + UInt64(Double(life) * Self.refreshPart * 1e9),
                    freshUntil: now + life * 1_000_000_000,
                    staleUntil: now + min(settings.boundedStaleSeconds, left) * 1_000_000_000))
            return .active(identity)
        case .failure(let refusal):
            known.remove(digest)
            refused.put(digest, Refused(refusal: refusal, until: now + settings.refusalSeconds * 1_000_000_000))
            return .refused(refusal)
        }
    }

    /// A question that brought nothing: known users go on, others are told to come back.
    mutating func failed(_ digest: SHA256Digest, _ error: GlobusError, now: UInt64, wall: UInt64) -> Introspection {
        ended(digest)
        failuresInARow += 1
        if error.code == .unreachable || error.code == .rateLimited || failuresInARow >= Self.failuresForOutage {
            let asked = UInt64(max(0, error.retryAfterSeconds ?? 0))
            outageUntil = now + min(max(asked, Self.outageSeconds), Self.longestOutageSeconds) * 1_000_000_000
            outageMessage = error.message
        }
        guard let entry = known.find(digest), entry.identity.expiresAt > wall, entry.staleUntil > now else {
            return .unavailable(retryAfterSeconds: retrySeconds(now), error.message)
        }
        known.update(digest) { entry in
            entry.failures = min(entry.failures + 1, 16)
            entry.refreshAt = now + min(UInt64(1) << UInt64(entry.failures - 1), Self.longestRetrySeconds) * 1_000_000_000
        }
        return .active(entry.identity)
    }

    private func unavailable(_ now: UInt64) -> Introspection {
        .unavailable(retryAfterSeconds: retrySeconds(now), outageMessage)
    }

    private func retrySeconds(_ now: UInt64) -> Int {
        outageUntil > now ? Int((outageUntil - now + 999_999_999) / 1_000_000_000) : Int(Self.outageSeconds)
    }
}
