/// What a FIRST gateway's error says, whichever of its shapes it has: `{"error":{"code","message","info"}}`, nginx's
/// `{"error":"…","message","retry_after"}`, `{"detail":"…"}`, `{"detail":[{"type","loc","msg"}]}`, a web page, a line of text.
struct FirstError: Equatable {
    var status: Int
    /// FIRST's own word, such as `cluster_not_found`.
    var code: String?
    var message: String
    /// The field of the request that is wrong.
    var parameter: String?
    var retryAfterSeconds: Int?

    init(status: Int, code: String? = nil, message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    init(status: Int, body: [UInt8]) {
        self.init(status: status, message: "the FIRST gateway answered \(status)")
        guard let root = LooseJSON(body) else { return }
        switch root["error"] {
        case .some(let error) where error.isObject:
            code = error["code"]?.text
            message = error["message"]?.text ?? message
            addFields(error["info"]?["errors"], place: "field", words: "message")
        case .text(let text):
            message = root["message"]?.text ?? text
            retryAfterSeconds = root["retry_after"]?.text?.split(separator: " ").first.flatMap { Int($0) }
        default:
            if let detail = root["detail"]?.text {
                message = detail
            } else if let detail = root["detail"] {
                message = "the request is not what the FIRST gateway takes"
                addFields(detail, place: "loc", words: "msg")
            }
        }
    }

    /// Adds what is wrong with which fields, the first few.
    private mutating func addFields(_ errors: LooseJSON?, place: String, words: String) {
        let found = (errors?.items ?? []).prefix(5).compactMap { error -> (String, String)? in
            guard let said = error[words]?.text else { return nil }
            // FastAPI's `loc` begins with where the field is, and Ninja adds the name of its own argument.
            let path = error[place]?.text ?? (error[place]?.items ?? []).compactMap(\.text)
                .filter { $0 != "body" && $0 != "payload" }.joined(separator: ".")
            return (path, said)
        }
        guard !found.isEmpty else { return }
        parameter = found.first?.0
        message += ": " + found.map { $0.isEmpty ? $1 : "\($0): \($1)" }.joined(separator: "; ")
    }
}
