import Testing
import Transport

/// Mutated input: nothing crashes, and what comes in pieces is read as what comes whole.
@Suite struct ParsingMutationTests {
    static let seed = UInt64.random(in: 0...UInt64.max)
    static let rounds = 4_000

    private static func mutate(_ input: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        let telling: [UInt8] = [0, 9, 10, 13, 32, 34, 44, 48, 58, 59, 91, 92, 93, 123, 125, 127, 128, 195, 237, 255]
        var output = input
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let at = Int.random(in: 0...output.count, using: &generator)
            let byte = telling.randomElement(using: &generator) ?? 0
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: output.insert(byte, at: at)
            case 1: if at < output.count { output.remove(at: at) }
            case 2: if at < output.count { output[at] = byte }
            default:
                let end = min(output.count, at + Int.random(in: 0...12, using: &generator))
                output.insert(contentsOf: output[at..<end], at: end)
            }
        }
        return output
    }

    @Test func heads() {
        print("seed of ParsingMutationTests.heads: \(Self.seed)")
        var generator = SeededGenerator(state: Self.seed)
        for _ in 0..<Self.rounds {
            guard let base = requestCases.randomElement(using: &generator) else { return }
            let input = Self.mutate(bytes(base.text), &generator)
            let cuts = (0..<3).map { _ in Int.random(in: 0...input.count, using: &generator) }.sorted()
            for kind in [HTTPHead.Kind.request, .response] {
                #expect(parseHead(kind, input, cuts: cuts) == parseHead(kind, input), "seed \(Self.seed): \(input)")
            }
        }
    }

    @Test func chunks() {
        print("seed of ParsingMutationTests.chunks: \(Self.seed)")
        var generator = SeededGenerator(state: Self.seed)
        for _ in 0..<Self.rounds {
            guard let base = ChunkDecoderTests.cases.randomElement(using: &generator) else { return }
            let input = Self.mutate(bytes(base.text), &generator)
            let cut = Int.random(in: 0...input.count, using: &generator)
            let whole = decodeChunks([input[...]]), split = decodeChunks([input[..<cut], input[cut...]])
            #expect(whole?.payload == split?.payload && whole?.used == split?.used, "seed \(Self.seed): \(input)")
        }
    }

    @Test func bodiesAndEvents() {
        print("seed of ParsingMutationTests.bodiesAndEvents: \(Self.seed)")
        var generator = SeededGenerator(state: Self.seed)
        for _ in 0..<Self.rounds {
            guard let body = InferenceBodyTests.flags.randomElement(using: &generator) else { return }
            let input = Self.mutate(bytes(body.0), &generator)
            // A body the router takes is JSON for the strict scanner too.
            let taken = input.withUnsafeBytes { (try? InferenceBody.scan($0)) != nil }
            if taken { #expect(scanJSON(input) != nil, "seed \(Self.seed): \(input)") }

            guard let stream = EventStreamTests.streams.randomElement(using: &generator) else { return }
            let events = Self.mutate(bytes(stream.0), &generator)
            let cut = Int.random(in: 0...events.count, using: &generator)
            var once = EventBoundaryScanner(), twice = EventBoundaryScanner(), observer = StreamObserver()
            let whole = events.withUnsafeBytes { once.wholeEvents($0) }
            _ = events[..<cut].withUnsafeBytes { twice.wholeEvents($0) }
            #expect(events.withUnsafeBytes { twice.wholeEvents($0) } == whole, "seed \(Self.seed): \(events)")
            events.withUnsafeBytes { observer.observe($0) }
        }
    }
}
