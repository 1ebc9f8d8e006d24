import Transport
import Trust

/// Calls to Globus Auth and Groups (`GLOBUS.md` §1), each made once.
struct AuthService: Sendable {
    let services: GlobusServices
    let web: WebClient

    /// Bytes of the longest answer that is read.
    static let answerBytes = 1 << 20
    /// Seconds for a call.
    static let timeoutSeconds = 10.0

    /// How a client says who it is.
    enum Credentials: Sendable {
        case confidential(GlobusClient)
        /// A native application has no secret; its id is in the form.
        case publicClient
    }

    func post(_ path: String, _ form: [(String, String)], _ credentials: Credentials) async throws(GlobusError) -> LooseJSON
    {
        var fields = [("Accept", "application/json")]
        if case .confidential(let client) = credentials {
            let secret = try client.secret()
            fields.append(("Authorization", "Basic " + Base64.encode(Array("\(client.clientID):\(secret)".utf8))))
        }
        fields.append(("Content-Type", "application/x-www-form-urlencoded"))
        let request = WebRequest(
            method: "POST", url: services.auth + path, fields: fields.map { (name: $0.0, value: $0.1) },
            body: Array(FormBody.encode(form).utf8), timeoutSeconds: Self.timeoutSeconds, answerBytes: Self.answerBytes)
        do throws(GlobusError) { return try await answer(request, "Globus Auth") } catch {
            guard error.name == "invalid_client" || (error.code == .unauthorized && error.name == nil) else { throw error }
            throw GlobusError(
                .unauthorized,
                "Globus Auth does not know this node's client id and secret (globus.clientID, globus.secretFile)",
                status: error.status, name: "invalid_client")
        }
    }

    func get(_ url: String, token: String, _ service: String) async throws(GlobusError) -> LooseJSON {
        try await answer(
            WebRequest(
                url: url, fields: [("Accept", "application/json"), ("Authorization", "Bearer \(token)")],
                timeoutSeconds: Self.timeoutSeconds, answerBytes: Self.answerBytes), service)
    }

    private func answer(_ request: WebRequest, _ service: String) async throws(GlobusError) -> LooseJSON {
        let answer: WebAnswer
        do throws(WebError) { answer = try await web.send(request) } catch { throw GlobusError(error, service) }
        guard (200..<300).contains(answer.status) else { throw GlobusError(answer, service) }
        guard let body = LooseJSON.parse(answer.body) else {
            throw GlobusError(.protocolViolation, "\(service) answered no JSON", status: answer.status)
        }
        return body
    }
}
