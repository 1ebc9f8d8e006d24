public import Gossip

/// One message of a peer on the mesh port, whole.
public struct MeshCall: Sendable {
    /// Who sends it, proven by the link.
    public let peer: NodeID
    /// The certificate that proves it, DER.
    public let certificate: [UInt8]
    public let body: [UInt8]

    public init(peer: NodeID, certificate: [UInt8], body: [UInt8]) {
        self.peer = peer
        self.certificate = certificate
        self.body = body
    }
}

/// What is answered to one.
public struct MeshAnswer: Sendable {
    public var status: Int
    public var contentType: StaticString
    public var body: [UInt8]

    public init(_ status: Int = 200, _ contentType: StaticString, _ body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// An error in the shape of all others.
    public static func refusal(_ status: Int, _ code: String, _ message: String) -> MeshAnswer {
        let type = status < 500 ? "invalid_request_error" : "server_error"
        return MeshAnswer(
            status, "application/json",
            Array(
                #"{"error":{"message":"\#(jsonEscaped(message))","type":"\#(type)","param":null,"code":"\#(code)"}}"#.utf8))
    }
}

/// A route of the mesh port for small messages: POST, held whole.
public struct MeshRoute: Sendable {
    public let path: StaticString
    /// Bytes of a message.
    public let bodyLimit: Int
    public let answer: @Sendable (MeshCall) async -> MeshAnswer

    public init(_ path: StaticString, bodyLimit: Int, answer: @escaping @Sendable (MeshCall) async -> MeshAnswer) {
        self.path = path
        self.bodyLimit = bodyLimit
        self.answer = answer
    }
}
