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
        case .lost(let why): fail(callback, 502, "globus_task_lost", why)
        case .deadline:
            fail(callback, 504, "deadline_exceeded", "the task did not end in time; it may still run at the endpoint")
        case .refused(let refusal):
            fail(
                callback, refusal.status, "globus_\(refusal.code.rawValue)", refusal.message,
                retry: refusal.retryAfterSeconds)
        }
    }

    // MARK: Our function

    private func settleOurs(_ value: WireValue, _ callback: Callback) {
        switch value["status"]?.text {
        case "returned":
            if let why = value["why"]?.text { log("a function returned its answer whole: \(why)") }
            let body =
                value["body"]?.text.map { Array($0.utf8) } ?? value["bodyBase64"]?.text.flatMap { try? Base64.decode($0) }
                ?? []
            let status = value["http"]?.integer ?? 200
            deliver(
                callback, status, value["contentType"]?.text ?? "application/json", body,
                isBuffered: isStream && status == 200)
        case "streamed":
            // Its last frame came before its result could: what is still open was cut on the way.
            callback.answer.end(TransportError(.connectionLost, "the end of the answer was lost on its way"))
        case "aborted": callback.answer.end(TransportError(.cancelled, "the function was told to stop"))
        case "failed":
            let code = value["code"]?.text ?? "upstream_failed"
            let status = code == "upstream_timeout" ? 504 : 502
            fail(callback, status, code, value["message"]?.text ?? "the function could not reach its inference server")
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
        case .whole(let body): deliver(callback, 200, "application/json", Array(body.utf8), isBuffered: false)
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
            return deliver(callback, status, "application/json", Array(body.utf8), isBuffered: false)
        }
        log("a task failed: \(failure.summary)")
        fail(callback, 502, "globus_task_failed", "the task failed: \(failure.summary)")
    }

    // MARK: The channel

    private func deliver(
        _ callback: Callback, _ status: Int, _ contentType: String, _ body: [UInt8], isBuffered: Bool, retry: Int? = nil
    ) {
        let head = AnswerChannel.Head(
            status: status, contentType: contentType, retryAfterSeconds: retry, isBuffered: isBuffered)
        if callback.answer.begin(head) {
            _ = callback.answer.offer(body)
            callback.answer.end()
        } else {
            callback.answer.end(TransportError(.connectionLost, "the task ended before its answer did"))
        }
    }

    /// An error that the client can be told with a status of its own, or, where its answer has begun, in the stream.
    private func fail(_ callback: Callback, _ status: Int, _ code: String, _ message: String, retry: Int? = nil) {
        let body = OpenAIError.body(message, code: code, status: status)
        let head = AnswerChannel.Head(status: status, contentType: "application/json", retryAfterSeconds: retry)
        if callback.answer.begin(head) {
            _ = callback.answer.offer(Array(body.utf8))
            callback.answer.end()
        } else {
            callback.answer.end(TransportError(.connectionLost, message))
        }
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
