import Globus
import Routing
import Synchronization
import Transport

extension NodeAPI {
    /// `POST /resource_server/api/meshnode/answer/{task}`: our function brings an answer, frame by frame, as long as it takes.
    func takeFunctionAnswer(_ call: Call) async {
        let exchange = call.exchange
        let name = String(exchange.path.dropFirst(GlobusBackend.answerPath.utf8.count))
        guard let callback = await admitted(exchange, name) else { return }
        guard callback.take() else {
            return await refuse(exchange, 409, "callback_taken", "this task's answer was brought already")
        }
        let cutter = StreamCutter(exchange.stream)
        callback.answer.onAbandoned { cutter.cut() }
        do throws(HTTPSyntaxError) {
            try await read(exchange, into: callback)
        } catch {
            callback.answer.end(
                TransportError(.protocolViolation, "what the function sent is not an answer: \(error.reason)"))
            // Told before its connection closes: it then stops its own request at once.
            return await refuse(exchange, error.status == 499 ? 400 : error.status, "bad_answer", error.reason)
        }
        await exchange.respond(status: 200, contentType: "application/json", body: #"{"status":"ok"}"#)
    }

    /// The callback that a request proves to be of; otherwise it was refused.
    private func admitted(_ exchange: HTTPExchange, _ name: String) async -> Callback? {
        guard let callback = callbacks.find(name) else {
            callbackCounters.unknown.add(1, ordering: .relaxed)
            await refuse(exchange, 404, "unknown_task", "no task of this name is awaited here")
            return nil
        }
        let isAdmitted = exchange.withHead { head, bytes in
            guard let value = head.first(.authorization), value.count > 7,
                equalsFolded(UnsafeRawBufferPointer(rebasing: bytes[value.prefix(7)]), "bearer ")
            else { return false }
            return callback.admits(UnsafeRawBufferPointer(rebasing: bytes[value.dropFirst(7)]))
        }
        guard isAdmitted else {
            callbackCounters.refused.add(1, ordering: .relaxed)
            await refuse(exchange, 401, "wrong_task_token", "the task's token is missing or wrong")
            return nil
        }
        return callback
    }

    private func read(_ exchange: HTTPExchange, into callback: Callback) async throws(HTTPSyntaxError) {
        var frames = AnswerFrames()
        let channel = callback.answer
        while let piece = try await exchange.nextBodyPart(limit: facts.answerLimit, timeout: facts.callbackTimeout) {
            var position = 0
            reading: while true {
                let event: AnswerFrames.Event
                do throws(AnswerFrames.Malformed) {
                    event = try frames.next(piece, &position)
                } catch { throw HTTPSyntaxError(status: 400, reason: error.reason) }
                switch event {
                case .needsMore: break reading
                case .data(let range):
                    guard channel.offer(piece[range]) else {
                        throw HTTPSyntaxError(status: 409, reason: "nobody waits for this answer any more")
                    }
                case .frame(let kind, let payload): try take(kind, payload, frames, callback)
                }
            }
            // Read on only when the client has taken what is held.
            if frames.hasEnded { continue }
            guard await channel.room(for: exchange.stream, deadline: .max) else {
                throw HTTPSyntaxError(status: 409, reason: "nobody waits for this answer any more")
            }
        }
        guard frames.hasEnded else { throw HTTPSyntaxError(status: 400, reason: "the answer ended without its last frame") }
    }

    private func take(
        _ kind: AnswerFrames.Kind, _ payload: [UInt8], _ frames: AnswerFrames, _ callback: Callback
    ) throws(HTTPSyntaxError) {
        let value: WireValue
        do throws(WireError) {
            value = try WireJSON.parse(payload)
        } catch { throw HTTPSyntaxError(status: 400, reason: "a frame is no JSON") }
        switch kind {
        case .started: callback.started()
        case .head:
            let head = AnswerFields.head(
                status: value["status"]?.integer, contentType: value["contentType"]?.text,
                retryAfter: value["retryAfter"]?.integer)
            guard let head else { throw HTTPSyntaxError(status: 400, reason: "the head has no status") }
            guard callback.answer.begin(head) else {
                throw HTTPSyntaxError(status: 409, reason: "nobody waits for this answer any more")
            }
        case .end:
            guard value["bytes"]?.integer == frames.dataCount else {
                throw HTTPSyntaxError(status: 400, reason: "bytes of the answer are missing")
            }
            callback.answer.end()
        case .error:
            let message = value["message"]?.text ?? "the function could not go on"
            failAnswer(callback, code: value["code"]?.text ?? "upstream_broken", message)
        case .data: break
        }
    }

    /// What the function reports as broken: a status where nothing was sent yet, else the stream's end.
    private func failAnswer(_ callback: Callback, code: String, _ message: String) {
        let status = code == "upstream_timeout" ? 504 : 502
        let error = APIError(status, type: "server_error", code: String(code.prefix(64)), String(message.prefix(1024)))
        let head = AnswerChannel.Head(
            status: status, contentType: "application/json", isPlaceFault: code == "upstream_unreachable")
        callback.answer.fail(head, body: error.body, else: error.message)
    }

    func refuse(_ exchange: HTTPExchange, _ status: Int, _ code: String, _ message: String) async {
        exchange.closesAfter = true
        let error = APIError(status, code: code, message)
        await exchange.respond(status: status, contentType: "application/json", body: error.body)
    }
}
