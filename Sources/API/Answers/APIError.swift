import Routing
import Transport

/// An error as a client is told of it, in OpenAI's shape.
public struct APIError: Error, Sendable {
    public var status: Int
    public var type: String
    public var code: String?
    public var parameter: String?
    public var message: String
    public var retryAfterSeconds: Int?
    /// When the model is expected to run; nil: nobody has told.
    public var etaSeconds: Double?
    /// No site runs the model: when one will is part of the answer, known or not.
    public var tellsEta = false
    /// Methods that the route has, for 405.
    public var allow: String?
    /// What `WWW-Authenticate` says (RFC 6750 §3, RFC 9728 §5.1); nil: `Bearer` for a 401, nothing for others.
    public var challenge: String?

    public init(
        _ status: Int, type: String = "invalid_request_error", code: String?, parameter: String? = nil, _ message: String,
        retryAfterSeconds: Int? = nil, allow: String? = nil
    ) {
        self.status = status
        self.type = type
        self.code = code
        self.parameter = parameter
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
        self.allow = allow
    }

    init(_ failure: RoutingFailure) {
        let type: String
        switch failure.status {
        case 400, 404: type = "invalid_request_error"
        case 403: type = "permission_error"
        case 429: type = "rate_limit_error"
        default: type = "server_error"
        }
        self.init(
            failure.status, type: type, code: failure.kind.rawValue, parameter: failure.status < 500 ? "model" : nil,
            failure.message,
            retryAfterSeconds: failure.retryAfterSeconds)
        etaSeconds = failure.etaSeconds
        tellsEta = failure.kind == .noneRunning
    }

    init(_ error: HTTPSyntaxError) {
        switch error.status {
        case 413: self.init(413, code: "request_too_large", error.reason)
        case 503: self.init(503, type: "server_error", code: "mesh_overloaded", error.reason, retryAfterSeconds: 2)
        default: self.init(error.status, code: "bad_http", error.reason)
        }
    }

    var body: String {
        JSONWriter.object { root in
            root.key("error")
            root.object {
                $0.field("message", message)
                $0.field("type", type)
                $0.field("param", parameter)
                $0.field("code", code)
                if tellsEta { $0.field("eta_seconds", etaSeconds) }
            }
        }
    }

    /// Answers with this error.
    func send(_ exchange: HTTPExchange, fields: (HTTPExchange) -> Void) async {
        await exchange.respond(status: status, contentType: "application/json", body: body) {
            if let retryAfterSeconds { $0.field("Retry-After", retryAfterSeconds) }
            if let allow { $0.field("Allow", allow) }
            if let challenge {
                $0.field("WWW-Authenticate", challenge)
            } else if status == 401 {
                $0.field("WWW-Authenticate", "Bearer")
            }
            fields($0)
        }
    }
}
