import Glibc
import Simulation

/// `meshnode simulate SCENARIO...`: runs scenarios and studies, and says whether what they expect held.
enum SimulateCommand {
    /// What is asked of all files.
    private struct Request {
        var seed: UInt64?
        var range: SeedRange?
        var isTraced: Bool
        var isJSON: Bool
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let request = Request(
            seed: invocation.text(.simulationSeed).flatMap { UInt64($0) },
            range: invocation.text(.simulationSeeds).flatMap(SeedRange.init), isTraced: invocation.flag(.trace),
            isJSON: invocation.flag(.json))
        let isSeeds = request.range != nil
        try refuse(request.seed != nil && isSeeds, "--seed and --seeds are both given; allowed: one of them")
        try refuse(request.isTraced && isSeeds, "--trace goes with one --seed, not with --seeds")
        try refuse(request.isTraced && request.isJSON, "--trace and --json are both given; allowed: one of them")
        var files: [SimulatedFile] = []
        for path in [invocation.positional(CommandSpecification.scenario) ?? ""] + invocation.more {
            let file = try load(path)
            if case .study = file { try refuse(request.isTraced, "--trace goes with a scenario, not with a study") }
            files.append(file)
        }
        Signals.unblock()

        var failures: [String] = []
        for (index, file) in files.enumerated() {
            if index > 0, !request.isJSON, !request.isTraced { Output.write("\n") }
            let failure =
                switch file {
                case .scenario(let scenario): run(scenario, request)
                case .study(let study): run(study, request)
                }
            if let failure { failures.append(failure) }
        }
        guard let last = failures.popLast() else { return }
        for failure in failures { Output.note(failure) }
        throw CommandFailure(exitCode: 1, message: last)
    }

    static func load(_ path: String) throws(CommandFailure) -> SimulatedFile {
        do throws(ConfigurationErrors) {
            return try SimulatedFile.load(path: path)
        } catch { throw CommandFailure(exitCode: 2, message: error.description) }
    }

    private static func refuse(_ isWrong: Bool, _ message: String) throws(CommandFailure) {
        if isWrong { throw CommandFailure(exitCode: 2, message: "simulate: \(message)") }
    }

    /// - Returns: what broke, with its seed.
    private static func run(_ scenario: Scenario, _ request: Request) -> String? {
        let failed: Outcome?
        if let range = request.range {
            let outcomes = SeedRuns.run(scenario, range)
            let report = SeedsReport(scenario: scenario, range: range, outcomes: outcomes)
            Output.write(request.isJSON ? report.json : report.text)
            failed = outcomes.first { $0.failure != nil }
        } else {
            let seed = request.seed ?? UInt64.random(in: 1...999_999)
            let outcome = run(scenario, seed: seed, isTraced: request.isTraced)
            let report = RunReport(scenario: scenario, outcome: outcome)
            if !request.isTraced { Output.write(request.isJSON ? report.json : report.text) }
            failed = outcome.failure == nil ? nil : outcome
        }
        guard let failed, let failure = failed.failure else { return nil }
        if !request.isTraced { shorten(scenario, failed) }
        return "\(scenario.name): \(failure.line(seed: failed.seed))"
    }

    /// A study is about the mean of the seeds that it names itself, unless others are asked for.
    private static func run(_ study: RoutingStudy, _ request: Request) -> String? {
        let range =
            request.range ?? request.seed.map { SeedRange(first: $0, last: $0) }
            ?? SeedRange(first: 1, last: UInt64(study.seeds))
        let report = StudyReport(table: StudyRuns.run(study, range), range: range)
        Output.write(request.isJSON ? report.json : report.text)
        return report.failure.map { "\(study.name): \($0)" }
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
