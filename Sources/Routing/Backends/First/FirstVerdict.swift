import Globus

/// What becomes of an error of a FIRST gateway: the request's fault and so the client's to read, or the site's and so another
/// site's chance.
enum FirstVerdict {
    /// The last word on the request, a body in OpenAI's shape.
    case answer(status: Int, body: String)
    /// Another site may do better. `operatorMessage`: what this site's people should read.
    case failure(RoutingFailure, operatorMessage: String?)

    /// Seconds to wait where a gateway that is full does not tell.
    static let retryAfterSeconds = 5

    init(_ error: FirstError, retryAfterSeconds: Int?, site: String) {
        // The inference server's own answer, where the gateway wrapped it into a text.
        if let upstream = UpstreamRefusal(inText: error.message) {
            self.init(upstream, site: site)
            return
        }
        let told = "the FIRST gateway of site \(site): \(error.message)"
        switch error.status {
        case 401, 403:
            let why = "the FIRST gateway refuses site \(site)'s own account for this model: \(error.message)"
            self = .failure(RoutingFailure(.unreachable, status: 502, why), operatorMessage: why)
        case 404, 405, 501:
            self = .failure(RoutingFailure(.unreachable, status: 502, told), operatorMessage: told)
        case 400 where error.code == "unsupported_framework":
            self = .failure(RoutingFailure(.unreachable, status: 502, told), operatorMessage: told)
        case 408:
            self = .failure(RoutingFailure(.deadline, status: 504, told), operatorMessage: nil)
        case 429:
            let seconds = retryAfterSeconds ?? error.retryAfterSeconds ?? Self.retryAfterSeconds
            var failure = RoutingFailure(.overloaded, status: 429, told, retryAfterSeconds: seconds)
            // With a body it is no end of the search for another site.
            failure.answer = (429, "application/json", Array(Self.body(error, type: "rate_limit_error").utf8))
            self = .failure(failure, operatorMessage: nil)
        case 503:
            self = .failure(
                RoutingFailure(
                    .noneRunning, status: 503, told, retryAfterSeconds: retryAfterSeconds ?? Self.retryAfterSeconds),
                operatorMessage: nil)
        case 400..<500:
            self = .answer(status: error.status, body: Self.body(error, type: "invalid_request_error"))
        default:
            let status = (500..<600).contains(error.status) ? error.status : 502
            self = .failure(RoutingFailure(.unreachable, status: status, told), operatorMessage: nil)
        }
    }

    /// An inference server's answer, as it would have been without the gateway between.
    private init(_ upstream: UpstreamRefusal, site: String) {
        let told = "the inference server behind the FIRST gateway of site \(site) answered \(upstream.status)"
        switch upstream.status {
        case 401, 403:
            self = .failure(RoutingFailure(.unreachable, status: 502, told), operatorMessage: told)
        case 429:
            var failure = RoutingFailure(.overloaded, status: 429, told, retryAfterSeconds: Self.retryAfterSeconds)
            failure.answer = (429, "application/json", Array(upstream.body.utf8))
            self = .failure(failure, operatorMessage: nil)
        case 400..<500:
            self = .answer(status: upstream.status, body: upstream.body)
        default:
            var failure = RoutingFailure(.unreachable, status: upstream.status, told)
            failure.answer = (upstream.status, "application/json", Array(upstream.body.utf8))
            self = .failure(failure, operatorMessage: nil)
        }
    }

    private static func body(_ error: FirstError, type: String) -> String {
        openAIError(message: error.message, type: type, parameter: error.parameter, code: error.code)
    }
}

/// `{"error":{…}}` as OpenAI's API has it.
func openAIError(message: String, type: String, parameter: String? = nil, code: String?) -> String {
    func quoted(_ text: String?) -> String { text.map { "\"\(jsonEscaped($0))\"" } ?? "null" }
    return #"{"error":{"message":"# + quoted(message) + #","type":"# + quoted(type) + #","param":"# + quoted(parameter)
        + #","code":"# + quoted(code) + "}}"
}

/// The answer of an inference server that FIRST's function made an exception's text of:
/// `API request failed with status code: 400\nResponse text: {…}\nResponse headers: {…}`.
struct UpstreamRefusal: Equatable {
    var status: Int
    /// In OpenAI's shape: its own, whole, where it had that.
    var body: String

    init?(inText text: String) {
        let failure = RemoteFailure(exceptionText: text)
        guard let status = failure.upstreamStatus, (400..<600).contains(status) else { return nil }
        self.status = status
        body = Self.openAIBody(failure.upstreamBody ?? "", status: status)
    }

    private static func openAIBody(_ text: String, status: Int) -> String {
        let type = status < 500 ? "invalid_request_error" : "server_error"
        guard let root = try? WireJSON.parse(text), root.pairs != nil else {
            return openAIError(message: text, type: type, code: nil)
        }
        if root["error"]?.pairs != nil { return text }
        // What vLLM said before it had OpenAI's shape.
        return openAIError(
            message: root["message"]?.told ?? root["detail"]?.told ?? text, type: root["type"]?.told ?? type,
            parameter: root["param"]?.told, code: root["code"]?.told)
    }
}
