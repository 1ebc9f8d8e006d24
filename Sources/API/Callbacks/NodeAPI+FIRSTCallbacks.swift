import Globus
import Routing
import Synchronization
import Transport
import Trust

/// The callbacks of FIRST's functions (its `views/streaming.py`), byte for byte what they expect.
enum FIRSTCallback {
    case data, error, done

    /// Bytes of a body; more is 413.
    var limit: Int { self == .data ? 150_000 : 15_000 }
}

extension NodeAPI {
    /// `POST /resource_server/api/streaming/{data,error,done}/`.
    func takeFIRSTCallback(_ call: Call, _ kind: FIRSTCallback) async {
        let exchange = call.exchange
        guard let secret = facts.internalSecret else {
            return await refuse(exchange, 404, "unknown_route", "this node runs no functions of FIRST")
        }
        guard proves(exchange, "x-internal-secret", secret) else {
            callbackCounters.refused.add(1, ordering: .relaxed)
            return await refuse(exchange, 401, "unauthorized", "the internal secret is missing or wrong")
        }
        let body: WireValue
        do throws(HTTPSyntaxError) {
            let range = try await exchange.readBody(limit: kind.limit)
            do throws(WireError) {
                body = try WireJSON.parse(Array(exchange.headBytes[range]))
            } catch { throw HTTPSyntaxError(status: 400, reason: "the body is no JSON: \(error.message)") }
        } catch { return await refuse(exchange, error.status, "bad_request", error.reason) }
        guard let name = body["task_id"]?.text else {
            return await refuse(exchange, 400, "bad_request", "task_id is missing")
        }
        guard let callback = callbacks.find(name) else {
            callbackCounters.unknown.add(1, ordering: .relaxed)
            return await refuse(exchange, 404, "unknown_task", "no task of this name is awaited here")
        }
        let isAdmitted = exchange.withHead { head, bytes in
            head.first(named: "x-stream-task-token", in: bytes).map {
                callback.admits(UnsafeRawBufferPointer(rebasing: bytes[$0]))
            }
        }
        guard isAdmitted == true else {
            callbackCounters.refused.add(1, ordering: .relaxed)
            return await refuse(
                exchange, isAdmitted == nil ? 401 : 403, "unauthorized", "the task's token is missing or wrong")
        }
        callback.started()
        switch kind {
        case .data where callback.isDone:
            await refuse(exchange, 410, "task_ended", "this stream was told to be done")
        case .data:
            guard let text = body["data"]?.text else {
                return await refuse(exchange, 400, "bad_request", "data is missing")
            }
            guard await pass(text, to: callback, exchange) else {
                return await refuse(exchange, 410, "task_ended", "nobody waits for this answer any more")
            }
            await exchange.respond(status: 200, contentType: "application/json", body: #"{"status": "received"}"#)
        case .error:
            fail(callback, body["error"]?.text ?? "the function reported an error")
            await exchange.respond(status: 200, contentType: "application/json", body: ok(name))
        case .done:
            // The end itself waits for the task's result, which tells whether every part came here.
            callback.done(Array("data: [DONE]\n\n".utf8))
            await exchange.respond(status: 200, contentType: "application/json", body: ok(name))
        }
    }

    private func ok(_ name: String) -> String { #"{"status": "ok", "task_id": "\#(jsonEscaped(name))"}"# }

    private func proves(_ exchange: HTTPExchange, _ field: StaticString, _ secret: [UInt8]) -> Bool {
        exchange.withHead { head, bytes in
            guard let range = head.first(named: field, in: bytes) else { return false }
            return constantTimeEqual(Array(bytes[range]), secret)
        }
    }

    /// Turns lines back into events. `[DONE]` is held back; false when nobody waits.
    private func pass(_ text: String, to callback: Callback, _ exchange: HTTPExchange) async -> Bool {
        let channel = callback.answer
        if !channel.hasBegun { _ = channel.begin(AnswerChannel.Head(status: 200, contentType: "text/event-stream")) }
        var events: [UInt8] = []
        var name = ""
        for line in text.split(whereSeparator: { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }) {
            if line.hasPrefix("event:") {
                name = line + "\n"
            } else if line == "data: [DONE]" {
                callback.holdEnd(Array("data: [DONE]\n\n".utf8))
            } else if line.hasPrefix("data:") {
                events += Array((name + line + "\n\n").utf8)
                name = ""
            }
        }
        // Room first: what was taken is never told as refused.
        if events.isEmpty { return !channel.isAbandoned }
        let deadline = exchange.worker.loop.now &+ facts.callbackTimeout
        guard await channel.room(for: exchange.stream, deadline: deadline) else { return false }
        return channel.offer(events)
    }

    /// The upstream's own status and words are in the text, where it answered at all.
    private func fail(_ callback: Callback, _ text: String) {
        let failure = RemoteFailure(exceptionText: text)
        let status = failure.upstreamStatus.flatMap { (400...599).contains($0) ? $0 : nil } ?? 502
        let body =
            failure.upstreamBody ?? APIError(status, type: "server_error", code: "upstream_error", failure.summary).body
        callback.answer.fail(
            AnswerChannel.Head(status: status, contentType: "application/json"), body: body, else: failure.summary)
    }
}
