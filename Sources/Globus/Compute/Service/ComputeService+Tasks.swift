extension ComputeService {
    /// Sends a submit and tells the machine its answer.
    func send(_ request: UInt64, _ batch: SubmitBatch) async {
        do throws(CallFailure) {
            let answer = try await calls.send(
                "POST", "/v3/endpoints/\(batch.queue.endpoint)/submit", body: try batch.body(),
                timeoutSeconds: settings.submitTimeoutSeconds)
            guard let reply = SubmitReply(answer) else { throw CallFailure(kind: .unreadable) }
            tell { machine, now in machine.onSubmitted(request, reply, now: now) }
        } catch {
            tell { machine, now in machine.onFailed(request, error, now: now) }
        }
    }

    /// Sends a poll and tells the machine its answer.
    func ask(_ request: UInt64, _ ids: [String]) async {
        do throws(CallFailure) {
            let body = WireJSON.write(
                .dictionary([WirePair("task_ids", .list(ids.map { .string($0) }))]), style: .python)
            let answer = try await calls.send(
                "POST", "/v2/batch_status", body: body, timeoutSeconds: settings.pollTimeoutSeconds,
                answerBytes: settings.pollAnswerBytes)
            guard let reports = TaskReport.reports(answer, settings: settings) else { throw CallFailure(kind: .unreadable) }
            tell { machine, now in machine.onPolled(request, reports, now: now) }
        } catch {
            tell { machine, now in machine.onFailed(request, error, now: now) }
        }
    }
}

extension SubmitBatch {
    /// The body as the SDK writes it.
    func body() throws(CallFailure) -> String {
        var body = SubmitBody(tasks: functions.map { .init(function: $0.function, payloads: $0.arguments) })
        body.taskGroup = taskGroup
        body.endpointConfig = queue.endpointConfig
        body.resourceSpecification = queue.resourceSpecification
        body.userRuntime = queue.userRuntime
        do throws(WireError) { return try body.json() } catch {
            // Our own configuration is not JSON: as the service would say.
            throw CallFailure(kind: .status(400), code: "REQUEST_MALFORMED", message: error.message)
        }
    }
}
