import Globus

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

    /// - Parameter otherwise: the message where the body has none.
    init(status: Int, body: [UInt8], otherwise: String? = nil) {
        self.init(status: status, message: otherwise ?? "the FIRST gateway answered \(status)")
        guard let root = try? WireJSON.parse(body) else { return }
        switch root["error"] {
        case .some(let error) where error.pairs != nil:
            code = error["code"]?.told
            message = error["message"]?.told ?? message
            addFields(error["info"]?["errors"], place: "field", words: "message")
        case .string(let text):
            message = root["message"]?.told ?? text
            retryAfterSeconds = root["retry_after"]?.told?.split(separator: " ").first.flatMap { Int($0) }
        default:
            if let detail = root["detail"]?.told {
                message = detail
            } else if let detail = root["detail"] {
                message = "the request is not what the FIRST gateway takes"
                addFields(detail, place: "loc", words: "msg")
            }
        }
    }

    /// Adds what is wrong with which fields, the first few.
    private mutating func addFields(_ errors: WireValue?, place: String, words: String) {
        let found = (errors?.items ?? []).prefix(5).compactMap { error -> (String, String)? in
            guard let said = error[words]?.told else { return nil }
            // FastAPI's `loc` begins with where the field is, and Ninja adds the name of its own argument.
            let path =
                error[place]?.told
                ?? (error[place]?.items ?? []).compactMap(\.told)
                .filter { $0 != "body" && $0 != "payload" }.joined(separator: ".")
            return (path, said)
        }
        guard !found.isEmpty else { return }
        parameter = found.first?.0
        message += ": " + found.map { $0.isEmpty ? $1 : "\($0): \($1)" }.joined(separator: "; ")
    }
}

extension WireValue {
    /// A string as it is, a number as people write it: both stand for codes, times and places.
    var told: String? { text ?? integer.map { "\($0)" } ?? number.map { "\($0)" } }
}
