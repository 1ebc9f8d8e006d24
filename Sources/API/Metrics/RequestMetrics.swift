import Synchronization

/// Requests by route and outcome, since the start. One relaxed addition a request.
final class RequestMetrics: Sendable {
    let inFlight = Atomic<Int>(0)
    private let table: [Cell]
    private static let classes = 6
    private static let routes = Route.names.count
    /// Upper bounds of the duration histogram, seconds.
    static let bounds = [0.005, 0.02, 0.1, 0.5, 1, 5, 20, 60, 300]
    private let durations: [Cell]
    private let durationSum = Atomic<UInt64>(0)

    private final class Cell: Sendable {
        let value = Atomic<Int>(0)
    }

    init() {
        table = (0..<Self.routes * Self.classes).map { _ in Cell() }
        durations = (0...Self.bounds.count).map { _ in Cell() }
    }

    func count(_ route: Route?, status: Int, nanoseconds: UInt64) {
        let row = route.map { $0.rawValue } ?? Self.routes - 1
        let column = min(max(status / 100, 0), Self.classes - 1)
        table[row * Self.classes + column].value.add(1, ordering: .relaxed)
        guard let route, route.isInference else { return }
        durationSum.add(nanoseconds, ordering: .relaxed)
        let seconds = Double(nanoseconds) / 1e9
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        durations[bucket].value.add(1, ordering: .relaxed)
    }

    /// In Prometheus' text format.
    var text: String {
        var out = "# HELP meshnode_requests_total Requests answered, by route and status class.\n"
        out += "# TYPE meshnode_requests_total counter\n"
        for row in 0..<Self.routes {
            for column in 0..<Self.classes {
                let count = table[row * Self.classes + column].value.load(ordering: .relaxed)
                guard count > 0 else { continue }
                let name = Route.names[row]
                let status = column == 0 ? "none" : "\(column)xx"
                out += "meshnode_requests_total{route=\"\(name)\",status=\"\(status)\"} \(count)\n"
            }
        }
        out += "# HELP meshnode_requests_in_flight Requests being served.\n# TYPE meshnode_requests_in_flight gauge\n"
        out += "meshnode_requests_in_flight \(inFlight.load(ordering: .relaxed))\n"
        out += "# HELP meshnode_inference_duration_seconds From request head to the end of the answer.\n"
        out += "# TYPE meshnode_inference_duration_seconds histogram\n"
        var sum = 0
        for (index, bound) in Self.bounds.enumerated() {
            sum += durations[index].value.load(ordering: .relaxed)
            out += "meshnode_inference_duration_seconds_bucket{le=\"\(bound)\"} \(sum)\n"
        }
        sum += durations[Self.bounds.count].value.load(ordering: .relaxed)
        out += "meshnode_inference_duration_seconds_bucket{le=\"+Inf\"} \(sum)\n"
        out += "meshnode_inference_duration_seconds_sum \(Double(durationSum.load(ordering: .relaxed)) / 1e9)\n"
        out += "meshnode_inference_duration_seconds_count \(sum)\n"
        return out
    }
}

extension Route {
    static let names = Self.allCases.map { "\($0)" } + ["unknown"]
    var isInference: Bool { self == .chat || self == .completions || self == .embeddings }
}
