public import Transport

/// What strangers may ask on the mesh port: what the federation trusts, and to become a node of it. They come by an application
/// protocol of its own, without a certificate; no other route answers there, and these answer nowhere else.
public protocol Enrolment: Sendable {
    /// The roots that the federation trusts.
    func bundle() async -> EnrolmentAnswer
    /// Takes a request to join.
    ///
    /// - Parameter body: JSON, `EnrolmentRoutes.bodyBytes` at most.
    func join(_ body: [UInt8], from address: SocketAddress?) async -> EnrolmentAnswer
}

/// What is answered to a stranger; JSON.
public struct EnrolmentAnswer: Sendable {
    public var status: Int
    public var body: [UInt8]

    public init(status: Int = 200, body: [UInt8]) {
        self.status = status
        self.body = body
    }

    /// An error in the shape of all others.
    public static func refusal(_ status: Int, _ code: String, _ message: String) -> EnrolmentAnswer {
        let type = status < 500 ? "invalid_request_error" : "server_error"
        let body = #"{"error":{"message":"\#(jsonEscaped(message))","type":"\#(type)","param":null,"code":"\#(code)"}}"#
        return EnrolmentAnswer(status: status, body: Array(body.utf8))
    }
}

/// The names of what enrolment goes by.
public enum EnrolmentRoutes {
    /// Application protocol (ALPN) of the mesh port for those who are no nodes yet.
    public static let applicationProtocol = "meshnode-join/1"
    public static let bundlePath: StaticString = "/meshnode/v1/join/bundle"
    public static let joinPath: StaticString = "/meshnode/v1/join"
    /// Bytes of a request to join.
    public static let bodyBytes = 65_536
    /// Bytes of an answer to one.
    public static let answerBytes = 1 << 20
}
