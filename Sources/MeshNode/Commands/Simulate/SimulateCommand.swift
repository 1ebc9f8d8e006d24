import Glibc
import Simulation

/// `meshnode simulate SCENARIO`: runs a scenario and says whether what it expects held.
enum SimulateCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let seed = invocation.text(.simulationSeed).flatMap { UInt64($0) }
        let range = invocation.text(.simulationSeeds).flatMap(SeedRange.init)
        let isTraced = invocation.flag(.trace)
        let isJSON = invocation.flag(.json)
        try refuse(seed != nil && range != nil, "--seed and --seeds are both given; allowed: one of them")
        try refuse(isTraced && range != nil, "--trace goes with one --seed, not with --seeds")
        try refuse(isTraced && isJSON, "--trace and --json are both given; allowed: one of them")
        let scenario = try load(invocation.positional(CommandSpecification.scenario) ?? "")
        Signals.unblock()

        let failed: Outcome?
        if let range {
            let outcomes = SeedRuns.run(scenario, range)
            let report = SeedsReport(scenario: scenario, range: range, outcomes: outcomes)
            Output.write(isJSON ? report.json : report.text)
            failed = outcomes.first { $0.failure != nil }
        } else {
            let outcome = run(scenario, seed: seed ?? UInt64.random(in: 1...999_999), isTraced: isTraced)
            let report = RunReport(scenario: scenario, outcome: outcome)
            if !isTraced { Output.write(isJSON ? report.json : report.text) }
            failed = outcome.failure == nil ? nil : outcome
        }
        guard let failed, let failure = failed.failure else { return }
        if !isTraced { shorten(scenario, failed) }
        throw CommandFailure(exitCode: 1, message: "\(scenario.name): \(failure.line(seed: failed.seed))")
    }

    static func load(_ path: String) throws(CommandFailure) -> Scenario {
        do throws(ConfigurationErrors) {
            return try Scenario.load(path: path)
        } catch { throw CommandFailure(exitCode: 2, message: error.description) }
    }

    private static func refuse(_ isWrong: Bool, _ message: String) throws(CommandFailure) {
        if isWrong { throw CommandFailure(exitCode: 2, message: "simulate: \(message)") }
    }

    private static func run(_ scenario: Scenario, seed: UInt64, isTraced: Bool) -> Outcome {
        let progress = SimulationProgress(scenario.name)
        let lines = TraceBuffer()
        var trace: ((borrowing TraceLine) -> Void)?
        if isTraced { trace = { line in lines.add(line) } }
        var run = Run(scenario, seed: seed, trace: trace)
        let outcome = run.run { progress.show("\(Int($0 * 100)) %") }
        progress.clear()
        lines.flush()
        return outcome
    }

    /// Prints the shortest scenario found that fails in the same way.
    private static func shorten(_ scenario: Scenario, _ outcome: Outcome) {
        guard let short = Shortening(scenario, outcome).result(SimulationProgress(scenario.name)) else { return }
        Output.note("a shorter scenario that fails in the same way, with seed \(outcome.seed):\n\(short.render())")
    }
}

/// Keeps lines of a trace until there is enough to be written.
private final class TraceBuffer {
    private static let bytesKept = 65_536
    private var text = ""

    func add(_ line: borrowing TraceLine) {
        text += line.json
        text += "\n"
        if text.utf8.count > Self.bytesKept { flush() }
    }

    func flush() {
        Output.write(text)
        text = ""
    }
}

/// How far a simulation is, on a terminal only.
struct SimulationProgress: Sendable {
    private let name: String
    private let isShown = isatty(2) == 1

    init(_ name: String) { self.name = name }

    func show(_ text: String) { write("\r\u{1B}[K\(name): \(text)") }
    func clear() { write("\r\u{1B}[K") }

    private func write(_ text: String) {
        guard isShown else { return }
        let bytes = Array(text.utf8)
        _ = Glibc.write(2, bytes, bytes.count)
    }
}
