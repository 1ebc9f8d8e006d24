import CAllocations
import Glibc
import Gossip
import Routing

/// What one choice costs: processor time of its thread, and blocks taken from the heap. See README.md.
///
/// Fifty sites that all serve twenty models, of different size and load, heard of at different times; requests take the models in turn,
/// each with a prompt of its own.
@main
enum ChoiceBenchmark {
    static let sites = 50
    static let models = 20
    static let choices = 200_000
    static let repeats = 5
    static let seed: UInt64 = 1
    static let isJSON = CommandLine.arguments.dropFirst().contains("--json")

    static func main() {
        var random = SplitMix64(seed: seed)
        let now: UInt64 = 1_000_000_000_000
        let candidates = (0..<models).map { model in
            (0..<sites).map { candidate(site: $0, model: model, now: now, random: &random) }
        }
        let user = RequestUser(
            UserIdentity(
                subject: "00000000-0000-4000-8000-000000000001", username: "alice@lab.example",
                identityProvider: "00000000-0000-4000-8000-000000000002", domain: "lab.example"))
        let needs = (0..<models).map { model in
            var needs = RequestNeeds(model: "model-\(model)", capabilities: [.chat], contextTokens: 1500)
            needs.promptTokens = 1000
            needs.answerTokens = 200
            needs.user = user
            return needs
        }
        for argument in CommandLine.arguments.dropFirst() where argument != "--json" {
            print("unknown argument \(argument); usage: Benchmarks/choice [--json]")
            exit(2)
        }
        if !isJSON {
            print("\(sites) sites, \(models) models, \(choices) choices in each of \(repeats) repeats, seed \(seed)")
        }
        report("choice alone", now) { model, now, random in
            var needs = needs[model]
            needs.affinity = random.next() | 1
            var journey = Journey()
            return journey.next(Choice(), candidates[model], for: needs, now: now, random: &random)?.index ?? -1
        }
        var trail = ReceiptTrail()
        report("with its receipt", now) { model, now, random in
            var needs = needs[model]
            needs.affinity = random.next() | 1
            var journey = Journey()
            trail.begin(
                requestID: "", user: "", entry: candidates[0][0].node, needs: needs, candidates: candidates[model], at: now,
                now: now)
            let step = trail.next(&journey, Choice(), for: needs, now: now, random: &random)
            trail.clear()
            return step?.index ?? -1
        }
    }

    private static func candidate(site: Int, model: Int, now: UInt64, random: inout SplitMix64) -> Candidate {
        let load = LiveLoad()
        let slots = 4 << Int.random(in: 0..<5, using: &random)
        for age in [90, 60, 30, 1] as [UInt64] {
            load.update(
                slots: slots, running: Int.random(in: 0...slots, using: &random), waiting: 0,
                now: now - age * 1_000_000_000)
        }
        load.setRoundTrip(seconds: Double.random(in: 0.002..<0.08, using: &random))
        return Candidate(
            node: NodeID(site: "site-\(site)", node: "n1"), isLocal: site == 0, nodeState: .alive, isDraining: false,
            variant: Variant(
                id: "model-\(model)", state: .running, backend: "openai", contextTokens: .declared(32_768),
                capabilities: .declared(["chat", "tools"])),
            load: load,
            vouching: site == 0 ? nil : Vouching(site: "site-0", admitted: ["lab.example", "university.example"]))
    }

    private static func report(
        _ name: String, _ start: UInt64, _ choose: (_ model: Int, _ now: UInt64, _ random: inout SplitMix64) -> Int
    ) {
        var random = SplitMix64(seed: seed)
        var sum = 0
        for index in 0..<1000 { sum &+= choose(index % models, start, &random) }
        var times: [Double] = []
        var blocks = 0
        for _ in 0..<repeats {
            let blocksBefore = counted_allocations()
            let before = processorTime()
            for index in 0..<choices { sum &+= choose(index % models, start &+ UInt64(index) &* 1000, &random) }
            times.append(Double(processorTime() - before) / Double(choices))
            blocks += Int(counted_allocations() - blocksBefore)
        }
        times.sort()
        let perChoice = Double(blocks) / Double(choices * repeats)
        if isJSON {
            print(
                #"{"what":"\#(name)","sites":\#(sites),"models":\#(models),"microseconds":\#(rounded(times[repeats / 2] / 1000)),"#
                    + #""least":\#(rounded(times[0] / 1000)),"blocks":\#(rounded(perChoice)),"seed":\#(seed)}"#)
            return
        }
        print(
            "\(name): \(rounded(times[repeats / 2] / 1000)) µs (\(rounded(times[0] / 1000))–\(rounded(times[repeats - 1] / 1000))), "
                + "\(rounded(perChoice)) blocks a choice; checksum \(sum)")
    }

    /// Nanoseconds of this thread.
    private static func processorTime() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
