import Transport

/// Asks a running node.
struct NodeClient {
    struct Answer {
        let status: Int
        let body: [UInt8]
    }

    private let node: String
    private let credential: CallerCredential?

    /// Bytes of an answer.
    private static let answerBytes = 16 << 20
    private let timeoutSeconds: Double

    /// - Parameters:
    ///   - node: base URL of its API.
    ///   - token: nil to ask without one.
    ///   - timeoutSeconds: for one answer.
    init(node: String, token: String?, timeoutSeconds: Double = 10) throws(CommandFailure) {
        try self.init(
            node: node, credential: token.map { CallerCredential(token: $0, source: .given) }, timeoutSeconds: timeoutSeconds
        )
    }

    /// From `--node` and what says who asks: `--token-file`, MESHNODE_TOKEN, or the stored login.
    init(_ invocation: Invocation) throws(CommandFailure) {
        let (node, credential) = try CallerCredential.find(invocation)
        try self.init(node: node, credential: credential)
    }

    private init(node: String, credential: CallerCredential?, timeoutSeconds: Double = 10) throws(CommandFailure) {
        guard credential?.isUsable ?? true else {
            throw CommandFailure(exitCode: 2, message: "the token holds bytes that no token has")
        }
        guard node.hasPrefix("http://") || node.hasPrefix("https://") else {
            throw CommandFailure(exitCode: 2, message: "--node takes an http or https URL, not \(node)")
        }
        var node = node
        while node.hasSuffix("/") { node.removeLast() }
        self.node = node
        self.credential = credential
        self.timeoutSeconds = timeoutSeconds
    }

    /// Any answer at all; throws when there is none.
    ///
    /// - Parameter json: what is sent.
    func fetch(_ path: String, method: String = "GET", json: [UInt8]? = nil) throws(CommandFailure) -> Answer {
        var fields = [(name: "Accept", value: "application/json")]
        if let credential { fields.append((name: "Authorization", value: "Bearer \(credential.token)")) }
        if json != nil { fields.append((name: "Content-Type", value: "application/json")) }
        let request = WebRequest(
            method: method, url: node + path, fields: fields, body: json, timeoutSeconds: timeoutSeconds,
            answerBytes: Self.answerBytes)
        do throws(WebError) {
            let answer = try Calls.send(request)
            return Answer(status: answer.status, body: answer.body)
        } catch { throw CommandFailure(exitCode: 1, message: "cannot reach \(node): \(error.message)") }
    }

    /// The body of a 2xx answer; any other answer is an error in words.
    func get(_ path: String, method: String = "GET", json: [UInt8]? = nil) throws(CommandFailure) -> [UInt8] {
        let answer = try fetch(path, method: method, json: json)
        if (200..<300).contains(answer.status) { return answer.body }
        throw CommandFailure(exitCode: 1, message: explain(answer))
    }

    private func explain(_ answer: Answer) -> String {
        let said = ErrorBody.message(answer.body).map { Quoting.cut($0, scalars: 300) }
        switch answer.status {
        case 401:
            let why = said.map { ": \($0)" } ?? ""
            guard case .login(let federation)? = credential?.source else { return "\(node) does not know this token\(why)" }
            return "\(node) does not take the token of the login at \(Quoting.cut(federation))\(why); "
                + "run: meshnode login --force --node \(node)"
        case 403: return said ?? "this token's role is too low"
        default: return "\(node) answered \(answer.status)" + (said.map { ": \($0)" } ?? "")
        }
    }

    /// Text as a value of a query (RFC 3986 §2.3).
    static func encoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return out
    }
}
