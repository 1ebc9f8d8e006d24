import Transport

/// Calls of the Compute web API with the node's token. What waits its turn, and what is tried again, is decided elsewhere.
struct ComputeCalls: Sendable {
    /// `https://compute.api.globus.org`, without a slash at its end.
    let base: String
    let token: any TokenSource
    let web: WebClient

    /// The body of an answer of status 2xx.
    func send(
        _ method: String, _ path: String, body: String? = nil, timeoutSeconds: Double = 30, answerBytes: Int = 4 << 20
    ) async throws(CallFailure) -> [UInt8] {
        // 1. The token.
        let bearer: String
        do throws(GlobusError) { bearer = try await token.token() } catch {
            throw CallFailure(
                kind: .noToken(isRefused: !error.mayPass), message: shortened(error.message),
                retryAfterSeconds: error.retryAfterSeconds.map(Double.init))
        }
        // 2. The call.
        var fields = [("Accept", "application/json"), ("Authorization", "Bearer \(bearer)")]
        if body != nil { fields.append(("Content-Type", "application/json")) }
        let request = WebRequest(
            method: method, url: base + path, fields: fields.map { (name: $0.0, value: $0.1) },
            body: body.map { Array($0.utf8) },
            timeoutSeconds: timeoutSeconds, answerBytes: answerBytes)
        let answer: WebAnswer
        do throws(WebError) { answer = try await web.send(request) } catch {
            let kind: CallFailure.Kind =
                error.code == .tooLarge ? .tooLong : .transit(mayHaveArrived: error.mayHaveArrived)
            throw CallFailure(kind: kind, message: shortened(error.message))
        }
        // 3. What its status says.
        if (200..<300).contains(answer.status) { return answer.body }
        if answer.status == 401 { token.drop(bearer) }
        throw CallFailure(answer)
    }
}

extension CallFailure {
    /// An answer that is none of 2xx. Its body has one of several shapes (GLOBUS.md §1.6, §2.5), or is none of ours.
    init(_ answer: WebAnswer) {
        kind = .status(answer.status)
        retryAfterSeconds = answer.field("retry-after").flatMap { Double($0) }.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
        guard answer.body.count <= 1 << 20, let body = try? WireJSON.parse(answer.body), body.pairs != nil else {
            message = shortened(String(decoding: answer.body.prefix(4096), as: UTF8.self))
            return
        }
        let first = body["errors"]?.items?.first
        let codes = [body["code"], body["error"], first?["code"]]
        code = codes.lazy.compactMap { $0?.text ?? $0?.integer.map(String.init) }.first ?? ""
        code = shortened(code, to: 100)
        let messages = [
            body["message"], body["reason"], body["detail"], body["error_description"], first?["detail"], first?["message"],
            first?["title"],
        ]
        message = shortened(messages.lazy.compactMap { $0?.text }.first ?? "")
    }
}

/// At most so many characters, in one line.
func shortened(_ text: String, to limit: Int = 500) -> String {
    let line = String(
        String.UnicodeScalarView(text.unicodeScalars.prefix(limit + 1).map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
    return line.unicodeScalars.count > limit ? String(line.unicodeScalars.prefix(limit)) + "…" : line
}
