import Gossip
import Testing

@testable import Routing

@Suite struct ColdPlanTests {
    private let needs = RequestNeeds(model: "m")

    private func candidate(
        _ site: String, _ state: ModelState, offer: StartOffer? = nil, eta: Double? = nil, local: Bool = false,
        context: Int? = nil
    ) -> Candidate {
        var variant = Variant(id: "m", state: state, backend: "globusCompute", start: offer)
        variant.etaSeconds = eta
        if let context { variant.contextTokens = .declared(context) }
        return Candidate(
            node: NodeID(site: site, node: "n1"), isLocal: local, nodeState: .alive, isDraining: false, variant: variant,
            load: LiveLoad())
    }

    private func plan(_ candidates: [Candidate], site: String = "home", declined: UInt64 = 0) -> ColdPlan {
        ColdPlan.plan(candidates, for: needs, Choice(), site: site, declined: declined)
    }

    private let all = StartOffer(sites: ["*"], seconds: 300)

    @Test func nobodyIsStartedWithoutItsConsent() {
        #expect(
            plan([candidate("a", .stopped), candidate("b", .stopped, offer: StartOffer(sites: ["x"], seconds: 1))]) == .none)
        let some = [candidate("b", .stopped, offer: StartOffer(sites: ["x", "home"], seconds: 60))]
        #expect(plan(some) == .start(index: 0, seconds: 60))
        #expect(plan(some, site: "y") == .none)
        // A site starts for its own users whatever it says of others.
        let own = [candidate("home", .stopped, offer: StartOffer(sites: [], seconds: 60))]
        #expect(plan(own) == .start(index: 0, seconds: 60))
    }

    @Test func whatIsStartingIsWaitedForAndNothingElseStarted() {
        let candidates = [
            candidate("a", .stopped, offer: StartOffer(sites: ["*"], seconds: 5)), candidate("b", .queued, eta: 400),
            candidate("c", .starting, eta: 90), candidate("d", .starting),
        ]
        #expect(plan(candidates) == .wait(index: 2, seconds: 90))
        // That one is late: the next; and when none is left, another is started.
        #expect(plan(candidates, declined: 0b0100) == .wait(index: 1, seconds: 400))
        #expect(plan(candidates, declined: 0b1110) == .start(index: 0, seconds: 5))
    }

    /// A time that is guessed places a site among others, and is never told.
    @Test func whatIsGuessedIsNotTold() {
        let guess = StartOffer(sites: ["*"], seconds: 600, isGuess: true)
        #expect(plan([candidate("a", .stopped, offer: guess)]) == .start(index: 0, seconds: nil))
        let known = candidate("b", .stopped, offer: StartOffer(sites: ["*"], seconds: 700))
        #expect(plan([candidate("a", .stopped, offer: guess), known]) == .start(index: 0, seconds: nil))
        #expect(plan([candidate("a", .starting)]) == .wait(index: 0, seconds: nil))
        #expect(plan([candidate("a", .starting, offer: guess)]) == .wait(index: 0, seconds: nil))
        #expect(plan([candidate("a", .starting), candidate("b", .queued, eta: 601)]) == .wait(index: 0, seconds: nil))
        #expect(plan([candidate("a", .starting), candidate("b", .queued, eta: 599)]) == .wait(index: 1, seconds: 599))
    }

    /// What is waited for becomes a moment: no peer's number may be one that does not fit.
    @Test(arguments: [-1, 0, 1e308, .infinity, -.infinity, .nan]) func whatAPeerSaysMayBeAnyNumber(eta: Double) {
        guard case .wait(0, let seconds) = plan([candidate("a", .starting, eta: eta)]) else {
            return #expect(Bool(false), "what is starting is waited for")
        }
        #expect(seconds.map { $0 >= 0 && $0 <= 604_800 } == true)
    }

    @Test func whatCouldNotServeTheRequestIsNotStarted() {
        var long = needs
        long.contextTokens = 10_000
        let candidates = [
            candidate("a", .stopped, offer: all, context: 4096), candidate("b", .stopped, offer: all, context: 16_384),
        ]
        #expect(ColdPlan.plan(candidates, for: long, Choice(), site: "home") == .start(index: 1, seconds: 300))
        for state in [ModelState.failed, .offline, .disconnected, .maintenance, .unknown] {
            #expect(plan([candidate("a", state, offer: all)]) == .none)
        }
    }

    @Test func allNodesElectTheSamePlace() {
        let names = (0..<8).map { "s\($0)" }
        func elected(_ names: [String], _ site: String) -> String? {
            let candidates = names.map { candidate($0, .stopped, offer: all, local: $0 == site) }
            guard case .start(let index, _) = plan(candidates, site: site) else { return nil }
            return candidates[index].node.site
        }
        let first = elected(names, "s0")
        #expect(first != nil)
        for site in names { #expect(elected(names.reversed(), site) == first) }
        // The soonest comes before that, to the minute.
        let soon = [
            candidate("a", .stopped, offer: all), candidate("b", .stopped, offer: StartOffer(sites: ["*"], seconds: 30)),
        ]
        #expect(plan(soon) == .start(index: 1, seconds: 30))
    }
}
