import CLinux
import Globus
import Gossip
import Transport

extension Router {
    /// Runs a request that has its slot as a task of Globus Compute.
    ///
    /// - Parameter slot: given back when the request ends; by a function that nobody can stop, when its task does.
    func runTask(
        _ request: ForwardRequest, _ model: LocalModel, _ backend: GlobusBackend, _ slot: consuming Slot,
        _ exchange: HTTPExchange, fields: (HTTPExchange) -> Void
    ) async -> Attempt {
        let loop = exchange.worker.loop
        let left = request.deadline == .max ? .infinity : Double(request.deadline &- min(loop.now, request.deadline)) / 1e9
        let run: GlobusBackend.Run
        do throws(RoutingFailure) {
            run = try backend.begin(
                path: request.path, body: Self.bodyText(request, exchange, model: model.upstreamModel),
                isStream: request.isStream, requestID: request.requestID, deadlineSeconds: left)
        } catch {
            return .failed(error)
        }
        let held = HeldSlot(slot)
        let isStream = request.isStream
        let outlives = model.outlivesClients
        // Off the loops: reading a hostile result of many megabytes takes its time.
        Task.detached {
            await backend.follow(run, isStream: isStream)
            withExtendedLifetime(held) {}
        }
        let attempt = await relay(run, request, exchange, fields: fields)
        switch attempt {
        case .answered: run.task.settled()
        default:
            run.callback.answer.abandon()
            // A function that nobody can stop is followed to its end, and keeps its slot so long; one that was not submitted is not.
            if !outlives || run.task.taskID == nil { run.task.giveUp() }
        }
        backend.note(attempt)
        withExtendedLifetime(held) {}
        return attempt
    }

    private func relay(
        _ run: GlobusBackend.Run, _ request: ForwardRequest, _ exchange: HTTPExchange, fields: (HTTPExchange) -> Void
    ) async -> Attempt {
        let channel = run.callback.answer
        let head: AnswerChannel.Head
        do throws(TransportError) {
            head = try await channel.head(for: exchange.stream, deadline: request.deadline)
        } catch {
            if exchange.clientIsGone { return .clientGone }
            if let failure = ended(error, exchange, site: me.site) { return .failed(failure) }
            let isLate = error.code == .timedOut
            return .failed(
                RoutingFailure(
                    isLate ? .deadline : .unreachable, status: isLate ? 504 : 502,
                    isLate ? "the deadline passed before the task answered" : "site \(me.site): \(error.message)"))
        }
        let source = TaskAnswer(channel, head, client: exchange.stream)
        if head.status >= 500 || head.status == 429 {
            return .failed(await failure(head, source, now: exchange.worker.loop.now))
        }
        let relay = Relay(
            exchange: exchange, source: source, site: me.site, stall: timeouts.stall, deadline: request.deadline,
            router: self, answer: request.answer, mayGoLonger: request.mayGoLonger,
            lengths: request.lengths, place: request.place)
        return await relay.run(decorate: fields)
    }

    /// What a task answered that another site may make good.
    private func failure(_ head: AnswerChannel.Head, _ source: TaskAnswer, now: UInt64) async -> RoutingFailure {
        var body: [UInt8] = []
        do throws(TransportError) {
            while body.count < 65_536, let part = try await source.nextBodyPart(deadline: now &+ 5_000_000_000) {
                body.append(contentsOf: part)
            }
        } catch {}
        var failure = RoutingFailure(
            head.status == 429 ? .overloaded : .unreachable, status: head.status,
            "the task at site \(me.site) answered \(head.status)", retryAfterSeconds: head.retryAfterSeconds)
        failure.isPlaceFault = head.isPlaceFault
        failure.answer = (head.status, head.contentType, body)
        return failure
    }

    /// The client's body with the model's name as its server knows it.
    private static func bodyText(_ request: borrowing ForwardRequest, _ exchange: HTTPExchange, model: String) -> String {
        let bytes = UnsafeRawBufferPointer(rebasing: exchange.headBytes[request.body])
        if !request.splices.isEmpty {
            let splices = request.splices.with(BodySplice(request.modelRange, Array(model.utf8)))
            return String(decoding: splices.made(in: bytes), as: UTF8.self)
        }
        var text = String(decoding: bytes[..<request.modelRange.lowerBound], as: UTF8.self)
        text += model
        text += String(decoding: bytes[request.modelRange.upperBound...], as: UTF8.self)
        return text
    }
}
