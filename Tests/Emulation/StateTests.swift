import FoundationEssentials
import Testing
import Transport

@testable import Emulation

@Suite("States and failures of a simulated server", .timeLimit(.minutes(1)))
struct StateTests {
    // The protocol's own names.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    struct ModelList: Decodable {
        struct Card: Decodable {
            var id: String
            var owned_by: String
            var max_model_len: Int
        }
        var data: [Card]
    }

    @Test(
        "each first state shows as pollers expect it",
        arguments: [
            (.running, 200, 200, 1, 200), (.starting, 503, 503, 0, 503), (.queued, 503, 503, 0, 503),
            (.stopped, 200, 200, 0, 503),
            (.maintenance, 200, 200, 0, 503), (.failed, 500, 500, 0, 500),
        ] as [(SimulatedServerSettings.FirstState, Int, Int, Int, Int)])
    func states(
        _ state: SimulatedServerSettings.FirstState, _ health: Int, _ list: Int, _ count: Int, _ completion: Int
    ) async throws {
        let harness = try Harness(Harness.settings { $0.firstState = state })
        #expect(try await harness.get("/health").status == health)
        let models = try await harness.get("/v1/models")
        #expect(models.status == list)
        if list == 200 {
            let cards = try JSONDecoder().decode(ModelList.self, from: Data(models.body)).data
            #expect(cards.count == count)
            #expect(
                cards.allSatisfy {
                    $0.id == "test/model" && $0.owned_by == "meshnode-simulation" && $0.max_model_len == 8192
                })
        }
        let answer = try await harness.post("/v1/completions", CompletionTests.prompt(bytes: 4))
        #expect(answer.status == completion)
        if state == .stopped { #expect(try ServerError.read(answer.body).message == "model not running") }
        await harness.stop()
    }

    @Test("an offline server ends connections without a word")
    func offline() async throws {
        let harness = try Harness(Harness.settings { $0.firstState = .offline })
        for _ in 0..<3 {
            await #expect(throws: TransportError.self) { try await harness.get("/health") }
        }
        await harness.stop()
    }

    @Test(
        "a server that starts answers once it has",
        arguments: [SimulatedServerSettings.FirstState.running, .starting, .queued])
    func startup(_ state: SimulatedServerSettings.FirstState) async throws {
        let harness = try Harness(
            Harness.settings {
                $0.firstState = state
                $0.startupSeconds = 0.2
            })
        while try await harness.get("/health").status == 503 { await Task.yield() }
        #expect(try await harness.post("/v1/completions", CompletionTests.prompt(bytes: 4)).status == 200)
        await harness.stop()
    }

    enum Outcome { case answered, refused, cut }

    private func outcomes(_ rate: Double, seed: UInt64, streams: Bool) async throws -> [Outcome] {
        let harness = try Harness(
            Harness.settings {
                $0.failureRate = rate
                $0.seed = seed
            })
        var outcomes: [Outcome] = []
        for _ in 0..<40 {
            switch await harness.ask("POST", "/v1/completions", CompletionTests.prompt(bytes: 4, #","stream":\#(streams)"#))
            {
            case .success(let answer):
                #expect(answer.status == 200 || answer.status == 500)
                outcomes.append(answer.status == 200 ? .answered : .refused)
            case .failure: outcomes.append(.cut)
            }
        }
        #expect(try await harness.metric("num_requests_running") == 0)
        await harness.stop()
        return outcomes
    }

    @Test("the share of failures is kept, streams also break off in the middle, and the seed decides which")
    func failures() async throws {
        #expect(try await outcomes(0, seed: 1, streams: true).allSatisfy { $0 == .answered })
        #expect(try await outcomes(1, seed: 1, streams: false).allSatisfy { $0 == .refused })
        let all = try await outcomes(1, seed: 1, streams: true)
        #expect(Set(all) == [.refused, .cut])
        let some = try await outcomes(0.5, seed: 3, streams: true)
        #expect(Set(some) == [.answered, .refused, .cut])
        #expect(try await outcomes(0.5, seed: 3, streams: true) == some)
        #expect(try await outcomes(0.5, seed: 4, streams: true) != some)
    }
}
