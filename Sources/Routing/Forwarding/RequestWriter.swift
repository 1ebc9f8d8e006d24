import Gossip
import Transport

/// Writes a request to an upstream: head made anew from the parsed fields, body as slices with the model's name replaced.
enum RequestWriter {
    /// Larger bodies are not sent until the peer says that it takes them.
    static let expectAbove = 65_536

    enum Destination {
        /// An inference server, and what it calls the model.
        case server(InferenceServer, model: String)
        /// The mesh port of a node; `queues`: it may wait there for a slot; `identity`: our signed word on who the user is.
        case peer(model: String, queues: Bool, identity: [UInt8]?)

        /// Puts in who the user is, where that is to be said.
        mutating func say(_ word: [UInt8]?) {
            if case .peer(let model, let queues, _) = self { self = .peer(model: model, queues: queues, identity: word) }
        }
    }

    /// Sends head and body, or the head alone when it asks for `100 Continue`.
    ///
    /// - Returns: true if the body still waits for the peer's word.
    static func send(
        _ request: borrowing ForwardRequest, of exchange: HTTPExchange, to connection: HTTPClientConnection,
        _ destination: Destination
    ) async throws(TransportError) -> Bool {
        let model: String
        switch destination {
        case .server(_, let name): model = name
        case .peer(let name, _, _): model = name
        }
        let length = request.splices.reduce(request.body.count - request.modelRange.count + model.utf8.count) {
            $0 + $1.growth
        }
        start(request, connection, destination)
        copyFields(of: exchange, to: connection)
        connection.field("Content-Length", length)
        var waits = false
        if case .peer = destination, length > expectAbove {
            connection.field("Expect", "100-continue")
            waits = true
        }
        connection.endFields()
        if waits {
            try await connection.stream.flush()
        } else {
            try await sendBody(request, of: exchange, to: connection, model: model)
        }
        return waits
    }

    static func sendBody(
        _ request: borrowing ForwardRequest, of exchange: HTTPExchange, to connection: HTTPClientConnection, model: String
    ) async throws(TransportError) {
        let body = UnsafeRawBufferPointer(rebasing: exchange.headBytes[request.body])
        guard request.splices.isEmpty else {
            let splices = request.splices.with(BodySplice(request.modelRange, Array(model.utf8)))
            return try await send(body, with: splices, to: connection)
        }
        let before = UnsafeRawBufferPointer(rebasing: body[..<request.modelRange.lowerBound])
        let after = UnsafeRawBufferPointer(rebasing: body[request.modelRange.upperBound...])
        if body.count <= expectAbove {
            connection.stream.output.append(before)
            connection.stream.output.append(model)
            connection.stream.output.append(after)
            try await connection.stream.flush()
        } else {
            try await connection.stream.flush(then: before)
            connection.stream.output.append(model)
            try await connection.stream.flush(then: after)
        }
    }

    private static func send(
        _ body: UnsafeRawBufferPointer, with splices: [BodySplice], to connection: HTTPClientConnection
    ) async throws(TransportError) {
        var at = 0
        for splice in splices {
            try await put(UnsafeRawBufferPointer(rebasing: body[at..<splice.range.lowerBound]), connection)
            connection.stream.output.append(splice.bytes)
            at = splice.range.upperBound
        }
        try await put(UnsafeRawBufferPointer(rebasing: body[at...]), connection)
        try await connection.stream.flush()
    }

    private static func put(_ slice: UnsafeRawBufferPointer, _ connection: HTTPClientConnection) async throws(TransportError)
    {
        if slice.count <= expectAbove {
            connection.stream.output.append(slice)
        } else {
            try await connection.stream.flush(then: slice)
        }
    }

    private static func start(
        _ request: borrowing ForwardRequest, _ connection: HTTPClientConnection, _ destination: Destination
    ) {
        let path = UnsafeRawBufferPointer(start: request.path.utf8Start, count: request.path.utf8CodeUnitCount)
        switch destination {
        case .server(let server, _):
            if server.basePath.isEmpty {
                connection.startRequest("POST", path)
            } else {
                connection.startRequest("POST", server.basePath + request.path.description)
            }
            if let authorization = server.authorization { connection.field("Authorization", authorization) }
            connection.field("X-Request-Id", request.requestID)
        case .peer(let model, let queues, let identity):
            connection.startRequest("POST", path)
            connection.field("Meshnode-Request-Id", request.requestID)
            connection.field("Meshnode-Model", model)
            connection.field("Meshnode-User", request.user)
            PeerFields.write(request, queues: queues, to: connection)
            identity?.withUnsafeBytes { connection.field("Meshnode-Identity", $0) }
            let classes = request.needs.data.classes
            if !classes.isEmpty { connection.field("Meshnode-Data-Class", classes.joined(separator: ", ")) }
        }
    }

    /// The client's fields that concern the server. Never its token, its cookies, or anything that speaks between nodes.
    private static func copyFields(of exchange: HTTPExchange, to connection: HTTPClientConnection) {
        let bytes = exchange.headBytes
        for field in exchange.head.fields {
            switch field.name {
            case .contentType, .accept, .userAgent, .traceparent, .other:
                let name = UnsafeRawBufferPointer(rebasing: bytes[field.nameRange])
                if field.name == .other, isWithheld(name) || exchange.head.isHopByHop(field, in: bytes) { continue }
                connection.field(name: name, value: UnsafeRawBufferPointer(rebasing: bytes[field.valueRange]))
            default: continue
            }
        }
    }

    /// Accept-Encoding: the bytes passing by must be readable. Forwarded, X-Real-IP: whom we serve is not the server's business.
    private static func isWithheld(_ name: UnsafeRawBufferPointer) -> Bool {
        switch name.count {
        case 15: equalsFolded(name, "accept-encoding")
        case 9: equalsFolded(name, "forwarded") || equalsFolded(name, "x-real-ip")
        case 13: equalsFolded(name, "authorization")
        case 16: equalsFolded(name, "x-forwarded-host")
        case 17: equalsFolded(name, "x-forwarded-proto")
        default: false
        }
    }
}
