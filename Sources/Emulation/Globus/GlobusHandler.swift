import CLinux
import Glibc
import Transport

/// Where the emulation runs and what it was given; the same for all its requests.
struct GlobusStart: Sendable {
    var settings: GlobusEmulationSettings
    var worker: Worker
    /// Monotonic nanoseconds.
    var startedAt: UInt64
    /// Descriptor that takes what functions print.
    var output: Int32
}

/// Reads requests, applies the faults that were asked for, answers, and notes what it did.
final class GlobusHandler: HTTPHandler {
    /// What every answer's `Server` field says.
    static let name = "meshnode-globus-emulation"
    /// Bytes of bodies that are read, so that a large one can be answered in Compute's words.
    private static let bodyBytesAllowed = 96 << 20

    private let start: GlobusStart

    init(_ start: GlobusStart) { self.start = start }

    func refused(_ error: TransportError, from address: SocketAddress?) {}

    func handle(_ exchange: HTTPExchange) async {
        let server = GlobusServer.of(exchange.worker, start)
        let streams = exchange.worker.attachment(StreamsUnderWay.self) { StreamsUnderWay() }
        let stream = exchange.stream
        streams.add(stream)
        defer { streams.remove(stream) }
        guard let request = await read(exchange) else {
            exchange.closesAfter = true
            return await send(.compute(413, "TASK_PAYLOAD_TOO_LARGE", "the body is too large or did not arrive"), exchange)
        }
        if request.segments.first == "emulation" { return await send(server.control(request), exchange) }
        let (route, isKnown) = GlobusRoute.find(request.method, request.segments)
        guard let route else {
            return await send(
                isKnown
                    ? .compute(405, "METHOD_NOT_ALLOWED", "The method is not allowed for the requested URL.")
                    : .compute(404, "NOT_FOUND", "The requested URL was not found."), exchange)
        }
        await answer(route, request, exchange, server)
    }

    private func answer(
        _ route: GlobusRoute, _ request: GlobusRequest, _ exchange: HTTPExchange, _ server: GlobusServer
    ) async {
        let (client, token) = server.client(request, route)
        let endpoint = request.segments.count > 3 && request.segments[1] == "endpoints" ? request.segments[2] : nil
        var entry = RequestLog.Entry(
            time: request.time, route: route.rawValue, client: client, token: token, endpoint: endpoint, status: 0, tasks: 0,
            isFault: true)
        if server.faults.down.contains(route.service) {
            server.log.add(entry)
            return exchange.stream.close()
        }
        var request = request
        let fault = server.faults.take(route, client: client, endpoint: endpoint)
        if let fault, fault.delaySeconds > 0 {
            await Alarm(loop: exchange.worker.loop).sleep(nanoseconds: UInt64(fault.delaySeconds * 1e9))
            (request.time, request.now) = server.compute.clock()
        }
        entry.isFault = fault != nil
        if fault?.cut == .before {
            server.log.add(entry)
            return exchange.stream.close()
        }
        var answer: GlobusAnswer
        if let fault, let status = fault.status {
            answer = .compute(status, "EMULATED_FAULT", "a fault that was asked for")
            if let body = fault.body { answer = GlobusAnswer(status, body) }
            answer.retryAfter = fault.retryAfterSeconds
        } else {
            answer = server.answer(route, request, count: &entry.tasks)
        }
        if fault?.cut == .after {
            server.log.add(entry)
            return exchange.stream.close()
        }
        entry.status = answer.status
        server.log.add(entry)
        await send(answer, exchange)
    }

    private func send(_ answer: GlobusAnswer, _ exchange: HTTPExchange) async {
        await exchange.respond(status: answer.status, contentType: answer.contentType, body: answer.body) {
            $0.field("Server", Self.name)
            if let seconds = answer.retryAfter { $0.field("Retry-After", seconds) }
            if let location = answer.location { $0.field("Location", location) }
            if answer.status == 401 { $0.field("WWW-Authenticate", "Bearer") }
        }
    }

    /// The whole request; nil when its body is too large or does not come.
    private func read(_ exchange: HTTPExchange) async -> GlobusRequest? {
        var body: [UInt8] = []
        do throws(HTTPSyntaxError) {
            let range = try await exchange.readBody(limit: Self.bodyBytesAllowed)
            body = Array(exchange.headBytes[range])
        } catch { return nil }
        let (method, query) = exchange.withHead { head, bytes in
            let target = bytes[head.target]
            let mark = target.firstIndex(of: UInt8(ascii: "?")).map { target.index(after: $0) } ?? target.endIndex
            return (String(decoding: bytes[head.methodRange], as: UTF8.self), Form.read(target[mark...]))
        }
        let path = exchange.path
        return GlobusRequest(
            method: method, path: path,
            segments: path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init),
            query: query, authorization: exchange.text(.authorization), accept: exchange.text(.accept), body: body,
            now: Double(mesh_realtime_ns()) / 1e9, time: Double(mesh_monotonic_ns() &- start.startedAt) / 1e9)
    }
}
