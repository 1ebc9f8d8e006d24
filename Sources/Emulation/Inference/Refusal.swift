/// An answer that is no result, in the words and the shape of vLLM.
struct Refusal: Error, Equatable {
    var status: Int
    var type: String
    var message: String
    var parameter: String?

    init(_ status: Int, _ type: String, _ message: String, parameter: String? = nil) {
        self.status = status
        self.type = type
        self.message = message
        self.parameter = parameter
    }

    static func badRequest(_ message: String, parameter: String? = nil) -> Refusal {
        Refusal(400, "BadRequestError", message, parameter: parameter)
    }

    static func unavailable(_ message: String) -> Refusal { Refusal(503, "ServiceUnavailableError", message) }

    static func wrongModel(_ name: String) -> Refusal {
        Refusal(404, "NotFoundError", "The model `\(name)` does not exist.", parameter: "model")
    }

    /// - Parameters:
    ///   - field: where the prompt stands, `messages` or `prompt`.
    ///   - completion: what the client asked for; nil if it left that to the server.
    static func tooLong(context: Int, prompt: Int, completion: Int?, field: String) -> Refusal {
        let limit = "This model's maximum context length is \(context) tokens. However, "
        guard let completion else {
            return badRequest(
                limit + "you requested \(prompt) tokens in the \(field). Please reduce the length of the \(field).",
                parameter: field)
        }
        let total = prompt.addingReportingOverflow(completion)
        return badRequest(
            limit
                + "you requested \(total.overflow ? .max : total.partialValue) tokens (\(prompt) in the \(field), \(completion) "
                + "in the completion). Please reduce the length of the \(field) or completion.",
            parameter: field)
    }

    var json: String {
        let parameter = parameter.map { JSONText.quoted($0) } ?? "null"
        return "{\"error\":{\"message\":\(JSONText.quoted(message)),\"type\":\(JSONText.quoted(type)),"
            + "\"param\":\(parameter),\"code\":\(status)}}"
    }
}
