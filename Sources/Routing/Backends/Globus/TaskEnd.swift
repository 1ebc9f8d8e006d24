import Globus
import Transport
import Trust

/// Makes an answer of a task's outcome, as far as no callback has brought it.
///
/// What a callback began it also ends; the outcome then only settles what is still open: a function that died says nothing more.
struct TaskEnd {
    let style: FunctionStyle
    let isStream: Bool
    let log: @Sendable (String) -> Void

    func settle(_ outcome: ComputeOutcome, _ callback: Callback) {
        switch outcome {
        case .result(let serialized, _):
            do throws(WireError) {
                let value = try TaskResult.decode(serialized)
                switch style {
                case .meshnode: settleOurs(value, callback)
                case .first: settleFirst(value, callback)
                }
            } catch {
                fail(callback, 502, "globus_bad_result", "the task's result cannot be read: \(error.message)")
            }
        case .failed(let text, _): settleFailure(RemoteFailure(exceptionText: text), callback)
        case .released: break
        case .lost(let why): fail(callback, 502, "globus_task_lost", why, isPlaceFault: true)
        case .deadline:
            // A function that never ran waited for its place; one that ran had much to do.
            fail(
                callback, 504, "deadline_exceeded", "the task did not end in time; it may still run at the endpoint",
                isPlaceFault: !callback.hasStarted)
        case .refused(let refusal):
            fail(
                callback, refusal.status, "globus_\(refusal.code.rawValue)", refusal.message,
                retry: refusal.retryAfterSeconds,
                isPlaceFault: refusal.isPlaceFault)
        }
    }

    // MARK: Our function

    private func settleOurs(_ value: WireValue, _ callback: Callback) {
        switch value["status"]?.text {
        case "returned":
            if let why = value["why"]?.text { log("a function returned its answer whole: \(why)") }
            let body =
                value["body"]?.text.map { Array($0.utf8) }
                ?? value["bodyBase64"]?.text.flatMap { try? Base64.decode($0) } ?? []
            let status = value["http"]?.integer
            let head = AnswerFields.head(
                status: status, contentType: value["contentType"]?.text, retryAfter: value["retryAfter"]?.integer,
                isBuffered: isStream && status == 200)
            guard let head else {
                return fail(callback, 502, "globus_bad_result", "the function returned no status of HTTP")
            }
            deliver(callback, head, body)
        case "streamed":
            // Its last frame came before its result could: what is still open was cut on the way.
            callback.answer.end(TransportError(.connectionLost, "the end of the answer was lost on its way"))
        case "aborted":
            // Told by this node, or by whoever stands at the callback's address in its place.
            let why = value["why"]?.text ?? "the function was told to stop"
            if callback.answer.hasBegun {
                callback.answer.end(TransportError(.cancelled, why))
            } else {
                log("a function's callback was refused: \(why)")
                fail(
                    callback, 502, "globus_callback_refused", "the function could not bring its answer to this node: \(why)",
                    isPlaceFault: !callback.answer.isAbandoned)
            }
        case "failed":
            let code = value["code"]?.text ?? "upstream_failed"
            let status = code == "upstream_timeout" ? 504 : 502
            fail(
                callback, status, code, value["message"]?.text ?? "the function could not reach its inference server",
                isPlaceFault: code == "upstream_unreachable")
        default: fail(callback, 502, "globus_bad_result", "the function returned what ours never does")
        }
    }

    // MARK: FIRST's function

    private func settleFirst(_ value: WireValue, _ callback: Callback) {
        let answer: FIRSTAnswer
        do throws(WireError) {
            answer = try FIRSTAnswer(value)
        } catch { return fail(callback, 502, "globus_bad_result", error.message) }
        let end = callback.takeHeldEnd()
        switch answer {
        case .whole(let body):
            deliver(callback, AnswerChannel.Head(status: 200, contentType: "application/json"), Array(body.utf8))
        case .streamed(let report):
            if let failure = report.failure { return settleFailure(failure, callback) }
            guard report.isWhole else {
                let lost = (report.chunks ?? 0) - (report.chunksSent ?? 0)
                let message =
                    lost > 0
                    ? "\(lost) of \(report.chunks ?? 0) parts of the answer were lost between the function and this node"
                    : "the function could not send all of the answer"
                return fail(callback, 502, "upstream_truncated", message)
            }
            guard callback.answer.hasBegun else {
                return fail(callback, 502, "globus_stream_lost", "the function ended its stream and none of it came here")
            }
            _ = callback.answer.offer(end)
            callback.answer.end()
        }
    }

    private func settleFailure(_ failure: RemoteFailure, _ callback: Callback) {
        if let status = failure.upstreamStatus, (400...599).contains(status) {
            let body = failure.upstreamBody ?? OpenAIError.body(failure.summary, code: "upstream_error", status: status)
            return callback.answer.fail(
                AnswerChannel.Head(status: status, contentType: "application/json"), body: body, else: failure.summary)
        }
        log("a task failed: \(failure.summary)")
        let isPlaceFault =
            switch failure.kind {
            case .workerLost, .managerLost, .notPermitted, .startFailed, .serializerRefused: true
            case .raised, .resultTooLarge, .other: false
            }
        fail(callback, 502, "globus_task_failed", "the task failed: \(failure.summary)", isPlaceFault: isPlaceFault)
    }

    // MARK: The channel

    private func deliver(_ callback: Callback, _ head: AnswerChannel.Head, _ body: [UInt8]) {
        if callback.answer.begin(head) {
            _ = callback.answer.offer(body)
            callback.answer.end()
        } else {
            callback.answer.end(TransportError(.connectionLost, "the task ended before its answer did"))
        }
    }

    /// An error that the client can be told with a status of its own, or, where its answer has begun, in the stream.
    private func fail(
        _ callback: Callback, _ status: Int, _ code: String, _ message: String, retry: Int? = nil, isPlaceFault: Bool = false
    ) {
        callback.answer.fail(
            AnswerChannel.Head(
                status: status, contentType: "application/json", retryAfterSeconds: retry, isPlaceFault: isPlaceFault),
            body: OpenAIError.body(message, code: code, status: status), else: message)
    }
}

/// An error in OpenAI's shape, for answers that are made here and judged as a server's.
enum OpenAIError {
    static func body(_ message: String, code: String, status: Int) -> String {
        let type = status == 429 ? "rate_limit_error" : status < 500 ? "invalid_request_error" : "server_error"
        return
            #"{"error":{"message":"\#(jsonEscaped(message))","type":"\#(type)","param":null,"code":"\#(jsonEscaped(code))"}}"#
    }
}
