/// One connection in the role of HTTP server, whoever dialled it.
final class HTTPServerConnection {
    private let stream: Stream
    private let service: HTTPService
    private let exchange: HTTPExchange
    private let worker: WorkerContext
    private var isIdle = true
    var isDraining = false
    /// Of the certificate that this connection was made with.
    private var generation: UInt64 = 0

    init(stream: Stream, service: HTTPService, worker: WorkerContext) {
        self.stream = stream
        self.service = service
        self.worker = worker
        exchange = HTTPExchange(stream: stream, service: service, worker: worker)
        stream.writeTimeout = service.timeouts.write
    }

    /// Serves requests until one side ends the connection.
    func run() async {
        if let admits = service.admits, stream.remoteAddress.map({ !admits($0) }) ?? true {
            let address = stream.remoteAddress
            stream.close()
            service.handler.refused(
                TransportError(.limitExceeded, "connections from this address are not allowed"), from: address)
            return
        }
        let security = service.secured.current
        generation = security.generation
        if let tls = security.tls {
            do throws(TransportError) {
                try await stream.startTLS(tls, deadline: worker.loop.now &+ service.timeouts.head)
            } catch {
                let address = stream.remoteAddress
                stream.close()
                service.handler.refused(error, from: address)
                return
            }
        }
        do throws(TransportError) {
            while try await serveOne() {}
            stream.close()
        } catch {
            stream.close()
        }
    }

    /// Ends an idle connection now and a busy one after its request.
    func drain() {
        isDraining = true
        exchange.closesAfter = true
        if isIdle { stream.fail(.cancelled) }
    }

    /// False: the connection is to be closed.
    private func serveOne() async throws(TransportError) -> Bool {
        exchange.begin()
        exchange.closesAfter = isDraining
        do throws(HTTPSyntaxError) {
            guard try await readHead() else { return false }
        } catch {
            // Where this request ends is not known: nothing after it may be read as another.
            await exchange.refuse(error)
            await stream.closeLingering()
            return false
        }
        isIdle = false
        // Our certificate was renewed: whoever wants more from us makes a new connection.
        if generation != service.secured.generation { exchange.closesAfter = true }
        await service.handler.handle(exchange)
        isIdle = true
        switch await exchange.finish() {
        case .next: return true
        case .close: return false
        case .closeLingering:
            await stream.closeLingering()
            return false
        }
    }

    /// False at a clean end before a request.
    private func readHead() async throws(HTTPSyntaxError) -> Bool {
        stream.readDeadline = worker.loop.now &+ service.timeouts.idle
        var sawFirstByte = false
        while true {
            if !stream.input.isEmpty {
                if try exchange.head.parse(stream.input.readable, limits: service.limits) { return true }
                if !sawFirstByte {
                    sawFirstByte = true
                    stream.readDeadline = worker.loop.now &+ service.timeouts.head
                }
            }
            do throws(TransportError) {
                if try await stream.fill() == 0 { return false }
            } catch {
                if error.code == .timedOut, sawFirstByte {
                    throw HTTPSyntaxError(status: 408, reason: "the request head did not arrive in time")
                }
                return false
            }
        }
    }
}
