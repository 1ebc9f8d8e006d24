import CLinux
import Gossip
import Transport

extension LocalModel {
    /// Asks that it be started, and starts it where nobody has.
    ///
    /// - Parameters:
    ///   - site: the other site whose user asks; nil: one of this site's own.
    ///   - log: takes what operators should know of it.
    func start(for site: String?, _ user: UserIdentity?, log: @escaping @Sendable (String) -> Void)
        -> Starter.Answer
    {
        guard let starter else { return .refused("nobody can start it") }
        if variant.state == .running { return .underWay(seconds: 0) }
        let answer = starter.ask(
            from: site, user, now: mesh_monotonic_ns(), wallSeconds: mesh_realtime_ns() / 1_000_000_000)
        guard case .begin = answer else { return answer }
        log("\(id) is started for \(user?.username ?? "a user") of \(site ?? "this site")")
        startHasChanged()
        runStart(log)
        return answer
    }

    /// Runs a start that has begun.
    func runStart(_ log: @escaping @Sendable (String) -> Void) {
        guard let starter else { return }
        let failed: @Sendable (String) -> Void = { why in
            starter.failed(why, now: mesh_monotonic_ns())
            log("\(self.id) could not be started: \(why)")
            self.startHasChanged()
        }
        if let command = starter.settings.command {
            Task.detached { if let why = await Self.run(command) { failed(why) } }
        } else {
            warmUp(failed)
        }
    }

    /// What a program that starts or stops a model may take: to submit a job, not to wait for it.
    private static let commandSeconds = 60.0

    /// - Returns: nil when it ended well, else why not.
    static func run(_ command: [String]) async -> String? {
        await onThread { () -> String? in
            let program = command.first ?? ""
            do throws(TokenFailure) {
                var limits = ProgramRun.Limits()
                limits.seconds = commandSeconds
                let output = try ProgramRun.run(command, limits: limits)
                if output.status == 0 { return nil }
                let said = String(decoding: output.errors.prefix(300), as: UTF8.self)
                return "\(program) ended with \(output.ending)\(said.isEmpty ? "" : ": \(said)")"
            } catch { return error.description }
        }
    }

    /// A request of one token: behind Globus Compute or a FIRST gateway it is what makes the scheduler give a node.
    private func warmUp(_ failed: @escaping @Sendable (String) -> Void) {
        let isEmbedding = variant.capabilities.value.map { $0.contains("embeddings") && !$0.contains("chat") } ?? false
        let path: StaticString = isEmbedding ? "/v1/embeddings" : "/v1/chat/completions"
        let body =
            isEmbedding
            ? #"{"model":"\#(jsonEscaped(upstreamModel))","input":"."}"#
            : #"{"model":"\#(jsonEscaped(upstreamModel))","max_tokens":1,"messages":[{"role":"user","content":"."}]}"#
        switch backend {
        case .globus(let globus):
            do throws(RoutingFailure) {
                let run = try globus.begin(
                    path: path, body: body, isStream: false, requestID: "start-\(mesh_realtime_ns())",
                    deadlineSeconds: globus.settings.deadlineSeconds)
                Task { await globus.follow(run, isStream: false) }
            } catch { failed(error.message) }
        case .server(let server):
            let target = server.basePath + path.description
            spawn { context in
                await server.credential?.prepare()
                var fields: [(StaticString, String)] = [("Content-Type", "application/json")]
                if let authorization = server.authorization { fields.append(("Authorization", authorization)) }
                do throws(TransportError) {
                    let answer = try await context.pool.request(
                        server.upstream, method: "POST", target: target, fields: fields, body: Array(body.utf8),
                        limit: 1 << 20, deadline: context.loop.now &+ 3_600_000_000_000)
                    if answer.status == 401 || answer.status == 403 { failed("its server answered \(answer.status)") }
                } catch {
                    // It may well time out while the model loads: looks at the server tell when it runs.
                    if error.isRefusal { failed(error.message) }
                }
            }
        }
    }
}
