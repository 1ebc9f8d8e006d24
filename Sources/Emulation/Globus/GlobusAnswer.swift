/// An answer of the emulation, whole.
struct GlobusAnswer: Sendable {
    var status: Int
    var body: [UInt8]
    var contentType: StaticString = "application/json; charset=utf-8"
    var location: String?
    var retryAfter: Int?

    init(_ status: Int, _ value: JSONValue) {
        self.status = status
        body = []
        value.write(to: &body)
    }

    init(_ status: Int, text: String, contentType: StaticString) {
        self.status = status
        body = Array(text.utf8)
        self.contentType = contentType
    }

    static func ok(_ value: JSONValue) -> GlobusAnswer { GlobusAnswer(200, value) }

    /// In the words of OAuth (RFC 6749 §5.2).
    static func oauth(_ status: Int, _ error: String, _ description: String? = nil) -> GlobusAnswer {
        guard let description else { return GlobusAnswer(status, ["error": .string(error)]) }
        return GlobusAnswer(status, ["error": .string(error), "error_description": .string(description)])
    }

    /// In the words of Compute: the old ones and the new ones.
    static func compute(_ status: Int, _ code: String, _ message: String) -> GlobusAnswer {
        GlobusAnswer(
            status,
            [
                "status": "Failed", "code": .string(code), "message": .string(message), "reason": .string(message),
                "error_args": [], "http_status_code": JSONValue(status),
            ])
    }

    static func redirect(to location: String) -> GlobusAnswer {
        var answer = GlobusAnswer(302, text: "", contentType: "text/plain; charset=utf-8")
        answer.location = location
        return answer
    }
}

/// A request that was read whole.
struct GlobusRequest {
    var method: String
    /// Without the query.
    var path: String
    var segments: [String]
    var query: [(String, String)]
    var authorization: String?
    var accept: String?
    var body: [UInt8]
    /// Seconds since 1970.
    var now: Double
    /// Seconds since the emulation's start.
    var time: Double

    func parameter(_ name: String) -> String? { query.first { $0.0 == name }?.1 }

    var bearer: String? {
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else { return nil }
        return String(authorization.dropFirst(7))
    }
}
