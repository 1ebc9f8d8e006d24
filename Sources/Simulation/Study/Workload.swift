import Glibc
import Gossip

/// Requests as users make them: when, where, and how long.
public struct Workload: Sendable, Equatable {
    /// Of token counts: the natural logarithm is normal.
    public struct Lengths: Sendable, Equatable {
        public var mean: Double
        public var deviation: Double
        public var range: ClosedRange<Double>

        public init(mean: Double, deviation: Double, range: ClosedRange<Double>) {
            self.mean = mean
            self.deviation = deviation
            self.range = range
        }

        func draw(_ random: inout SeededGenerator) -> Double {
            min(max(exp(mean + deviation * random.normal()), range.lowerBound), range.upperBound)
        }
    }

    /// Requests come in bursts: a source that is on or off, each for exponential times.
    public struct Bursts: Sendable, Equatable {
        public var onSeconds: Double
        public var offSeconds: Double

        public init(onSeconds: Double, offSeconds: Double) {
            self.onSeconds = onSeconds
            self.offSeconds = offSeconds
        }
    }

    /// Prompts that begin as others have: turns of conversations.
    public struct Prefixes: Sendable, Equatable {
        /// The share of requests that go on with a conversation.
        public var share: Double
        /// What of such a prompt was sent before.
        public var part: ClosedRange<Double>
        /// Conversations that may be gone on with at one time.
        public var conversations: Int

        public init(share: Double, part: ClosedRange<Double>, conversations: Int) {
            self.share = share
            self.part = part
            self.conversations = conversations
        }
    }

    public var input: Lengths
    public var output: Lengths
    public var bursts: Bursts?
    public var prefixes: Prefixes?

    public init(input: Lengths, output: Lengths, bursts: Bursts? = nil, prefixes: Prefixes? = nil) {
        self.input = input
        self.output = output
        self.bursts = bursts
        self.prefixes = prefixes
    }

    /// Shapes measured from public traces (AzureLLMInferenceTrace 2023, Mooncake 2024).
    public enum Shape: String, Sendable, CaseIterable {
        case azureConversation = "azure-conversation"
        case azureCode = "azure-code"
        case mooncake
    }

    public init(_ shape: Shape) {
        switch shape {
        case .azureConversation:
            self.init(
                input: Lengths(mean: 6.633, deviation: 0.985, range: 1...14_050),
                output: Lengths(mean: 5.019, deviation: 0.859, range: 1...1000))
        case .azureCode:
            self.init(
                input: Lengths(mean: 7.0, deviation: 1.36, range: 1...7440),
                output: Lengths(mean: 2.79, deviation: 0.85, range: 1...1000),
                bursts: Bursts(onSeconds: 4, offSeconds: 12))
        case .mooncake:
            self.init(
                input: Lengths(mean: 8.74, deviation: 1.20, range: 1...126_000),
                output: Lengths(mean: 5.5, deviation: 0.8, range: 1...2000),
                prefixes: Prefixes(share: 0.7, part: 0.6...1, conversations: 400))
        }
    }
}

extension SeededGenerator {
    /// Normal, of mean 0 and deviation 1 (Box and Muller 1958).
    mutating func normal() -> Double {
        let radius = sqrt(-2 * log(1 - unit()))
        return radius * cos(2 * .pi * unit())
    }

    /// Exponential, of mean 1.
    mutating func exponential() -> Double { -log(1 - unit()) }
}
