import Transport

/// What the server counts, in the names and the text format that vLLM gives to Prometheus.
struct ServerMetrics {
    var promptTokens = 0
    var generationTokens = 0
    var ended: [(reason: String, count: Int)] = ["stop", "length", "abort", "error"].map { ($0, 0) }
    var timeToFirstToken = Histogram(bounds: [0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30])
    var latency = Histogram(bounds: [0.1, 0.3, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300])

    mutating func end(_ reason: String) {
        for index in ended.indices where ended[index].reason == reason { ended[index].count += 1 }
    }

    func text(model: String, running: Int, waiting: Int) -> String {
        let label = "model_name=\"\(Self.escaped(model))\""
        var text = ""
        func one(_ name: String, _ kind: String, _ help: String, _ value: Int) {
            text += "# HELP vllm:\(name) \(help)\n# TYPE vllm:\(name) \(kind)\nvllm:\(name){\(label)} \(value)\n"
        }
        one("num_requests_running", "gauge", "Requests that have a slot (simulated).", running)
        one("num_requests_waiting", "gauge", "Requests in line for a slot (simulated).", waiting)
        one("prompt_tokens_total", "counter", "Prompt tokens taken in.", promptTokens)
        one("generation_tokens_total", "counter", "Tokens sent or ready to be sent.", generationTokens)
        text += "# HELP vllm:request_success_total Requests ended.\n# TYPE vllm:request_success_total counter\n"
        for (reason, count) in ended {
            text += "vllm:request_success_total{finished_reason=\"\(reason)\",\(label)} \(count)\n"
        }
        text += timeToFirstToken.text("vllm:time_to_first_token_seconds", "Time to first token.", label: label)
        text += latency.text("vllm:e2e_request_latency_seconds", "Time of whole requests.", label: label)
        return text
    }

    /// A label's value: backslash, quote and line feed escaped.
    static func escaped(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }
}

/// Counts of seconds, each in the first bucket whose bound it does not pass.
struct Histogram {
    private let bounds: [Double]
    private var counts: [Int]
    private var sum = 0.0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    mutating func add(nanoseconds: UInt64) {
        let seconds = Double(nanoseconds) / 1e9
        counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
        sum += seconds
    }

    func text(_ name: String, _ help: String, label: String) -> String {
        var text = "# HELP \(name) \(help)\n# TYPE \(name) histogram\n"
        var total = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? "\(bounds[index])" : "+Inf"
            text += "\(name)_bucket{le=\"\(bound)\",\(label)} \(total)\n"
        }
        return text + "\(name)_sum{\(label)} \(sum)\n\(name)_count{\(label)} \(total)\n"
    }
}
