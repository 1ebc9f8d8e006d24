import Gossip
import Testing

@testable import Routing

@Suite struct ColdWaitTests {
    private func node(_ site: String) -> NodeID { NodeID(site: site, node: "n") }

    private func candidates(_ sites: [String]) -> [Candidate] {
        sites.map {
            Candidate(
                node: node($0), isLocal: false, nodeState: .alive, isDraining: false,
                variant: Variant(id: "m", state: .starting, backend: "openai"), load: LiveLoad())
        }
    }

    private func at(_ seconds: Double) -> UInt64 { UInt64(seconds * 1e9) }

    /// Late by half of what was promised at first, whatever it has told since.
    @Test func whatIsLateByHalfIsNotReliedOnAnyMore() {
        var wait = ColdWait()
        #expect(wait.waits(for: node("a"), seconds: 20, now: at(100)) == 20)
        #expect(wait.waits(for: node("a"), seconds: 15, now: at(129)) == 15)
        #expect(wait.mask(candidates(["b", "a"])) == 0)
        #expect(wait.waits(for: node("a"), seconds: 1, now: at(131)) == 1)
        // By its name, wherever it now stands.
        #expect(wait.mask(candidates(["b", "a"])) == 0b10 && wait.mask(candidates(["a", "c", "b"])) == 0b001)
        // Another one has its own time.
        #expect(wait.waits(for: node("b"), seconds: 60, now: at(132)) == 60)
        #expect(wait.waits(for: node("b"), seconds: 0, now: at(221)) == 0)
        #expect(wait.mask(candidates(["b", "a"])) == 0b10)
        _ = wait.waits(for: node("b"), seconds: 0, now: at(223))
        #expect(wait.mask(candidates(["b", "a"])) == 0b11)
    }

    @Test func whatIsNotToldIsGuessedAndPasses() {
        var wait = ColdWait()
        #expect(wait.waits(for: node("a"), seconds: nil, now: at(100)) == 600)
        #expect(wait.waits(for: node("a"), seconds: nil, now: at(400)) == 300)
        #expect(wait.waits(for: node("a"), seconds: nil, now: at(900)) == 0)
        #expect(wait.mask(candidates(["a"])) == 0)
        _ = wait.waits(for: node("a"), seconds: nil, now: at(1001))
        #expect(wait.mask(candidates(["a"])) == 1)
    }

    @Test func whoWouldNotStartItIsTold() {
        var wait = ColdWait()
        let failure = RoutingFailure(.noneRunning, status: 503, "no site runs it")
        #expect(wait.told(failure).message == "no site runs it")
        wait.refused(node("a"), "it is full")
        for index in 0..<20 { wait.refused(node("b\(index)"), "no") }
        #expect(wait.mask(candidates(["c", "a", "b19"])) == 0b110)
        #expect(wait.told(failure).message.hasPrefix("no site runs it; asked to start it: a: it is full; b0: no; "))
        #expect(!wait.told(failure).message.contains("b7"))
    }
}
