import Gossip
import Testing

@testable import Routing

private func jobs(_ text: String, walltimeSeconds: Double? = nil, nowSeconds: Double = 0) -> [String: Observation]? {
    FirstJobs(Array(text.utf8), framework: "vllm", walltimeSeconds: walltimeSeconds, nowSeconds: nowSeconds)?.models
}

@Suite struct FirstJobsTests {
    @Test(
        "a model is what its best job is",
        arguments: [
            (#"{"running":[{"Models":"m","Model Status":"running"}]}"#, ModelState.running),
            (#"{"running":[{"Models":"m"}]}"#, .running),
            (#"{"running":[{"Models":"a, m","Framework":"vLLM","Model Status":"starting"}]}"#, .starting),
            (#"{"running":[{"Models":"m","Model Status":"disconnected"}]}"#, .disconnected),
            (#"{"queued":[{"Models":"m","Framework":"N/A"}]}"#, .queued),
            (#"{"stopped":[{"Models":"m"}],"running":[]}"#, .stopped),
            (#"{"others":[{"Models":"m","Job State":"E"}]}"#, .stopped),
            (#"{"stopped":[{"Models":"m"}],"queued":[{"Models":"m"}]}"#, .queued),
            (#"{"queued":[{"Models":"m"}],"running":[{"Models":"m","Model Status":"starting"},{"Models":"m"}]}"#, .running),
        ])
    func states(text: String, state: ModelState) throws {
        #expect(try #require(jobs(text))["m"]?.state == state)
    }

    @Test(
        "what is not of the framework, or no job, is passed over",
        arguments: [
            #"{"running":[{"Models":"m","Framework":"api"}]}"#, #"{"private_batch_running":[{"Models":"m"}]}"#,
            #"{"running":[{"Models":7}, null, "m", {"Model Status":"running"}]}"#, #"{"running":null}"#, "{}",
        ])
    func others(text: String) throws {
        #expect(try #require(jobs(text))["m"] == nil)
    }

    @Test("what is no answer of that route", arguments: ["", "[]", "\"x\"", "<html>", #"{"running":["#])
    func noAnswer(text: String) { #expect(jobs(text) == nil) }

    @Test("times that remain")
    func times() throws {
        let text = """
            {"running":[{"Models":"r","Walltime":"23:00:00"},{"Models":"r","Walltime":"00:30:00"},
                        {"Models":"late","Walltime":"25:00:00"},{"Models":"odd","Walltime":"soon"}],
             "queued":[{"Models":"q","Estimated Start Time":"Sun Jun  1 12:00:00 2025 (Chicago time)"},
                       {"Models":"past","Estimated Start Time":"Sun Jun  1 11:00:00 2025 (Chicago time)"}]}
            """
        let models = try #require(jobs(text, walltimeSeconds: 86400, nowSeconds: 1_748_796_600))
        #expect(models["r"]?.walltimeRemainingSeconds == 84600)
        #expect(models["late"]?.walltimeRemainingSeconds == 0)
        #expect(models["odd"]?.walltimeRemainingSeconds == nil)
        #expect(models["q"]?.etaSeconds == 600)
        #expect(models["past"]?.etaSeconds == 0)
        #expect(jobs(text)?["r"]?.walltimeRemainingSeconds == nil)
    }

    @Test(
        "times of the Central zone, against the zone database",
        arguments: [
            ("Sun Jun  1 12:00:00 2025 (Chicago time)", 1_748_797_200.0),
            ("Thu Jan  1 00:00:00 2026 (Chicago time)", 1_767_247_200),
            // Summer time began on 8 March 2026 and ended on 1 November.
            ("Sun Mar  8 01:59:59 2026 (Chicago time)", 1_772_956_799),
            ("Sun Mar  8 03:00:00 2026 (Chicago time)", 1_772_956_800),
            ("Sun Nov  1 00:59:59 2026 (Chicago time)", 1_793_512_799),
            ("Sun Nov  1 02:00:00 2026 (Chicago time)", 1_793_520_000),
            ("Tue Feb 29 23:00:00 2028 (Chicago time)", 1_835_499_600),
        ])
    func starts(text: String, seconds: Double) { #expect(EstimatedStart(text)?.seconds == seconds) }

    @Test(
        "what is no such time",
        arguments: [
            "", "N/A (Chicago time)", "Sun Jun  1 12:00:00 2025", "Sun Jun  1 25:00:00 2025 (Chicago time)",
            "Sun Foo  1 12:00:00 2025 (Chicago time)", "Sun Jun 99 12:00:00 2025 (Chicago time)",
            "Sun Jun  1 12:00 2025 (Chicago time)", "Sun Jun  1 12:00:00 99999999999999999999 (Chicago time)",
        ])
    func noStarts(text: String) { #expect(EstimatedStart(text) == nil) }

    @Test(
        "what a gateway lists",
        arguments: [
            (#"{"clusters":{"sophia":{"frameworks":{"vllm":{"models":["a","b"]}}}}}"#, Set(["a", "b"])),
            (#"{"clusters":{"sophia":{"frameworks":{"vllm":{"models":[]}}}}}"#, []),
            (#"{"clusters":{"sophia":{"frameworks":{"api":{"models":["a"]}}}}}"#, nil),
            (#"{"clusters":{"metis":{}}}"#, nil),
        ] as [(String, Set<String>?)])
    func listing(text: String, models: Set<String>?) throws {
        let listing = try #require(FirstListing(Array(text.utf8), cluster: "sophia", framework: "vllm"))
        #expect(listing.models == models)
    }

    @Test("what is no list", arguments: ["", "[]", "{}", #"{"clusters":[]}"#])
    func noListing(text: String) {
        #expect(FirstListing(Array(text.utf8), cluster: "sophia", framework: "vllm") == nil)
    }
}
