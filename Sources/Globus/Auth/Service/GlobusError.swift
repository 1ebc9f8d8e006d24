public import Transport

/// Why Globus gave no answer that can be used. Holds no secret and no token.
public struct GlobusError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: Sendable, Equatable {
        /// No connection, or it broke; nothing is known.
        case unreachable
        /// 401: the credentials are wrong, or the token is dead.
        case unauthorized
        /// 403, or a login of a certain kind is wanted.
        case forbidden
        case notFound
        /// 429.
        case rateLimited
        /// Other 4xx.
        case badRequest
        /// 5xx.
        case unavailable
        /// The answer is not what the service answers.
        case protocolViolation
        /// Something on this machine: a secret that cannot be read.
        case configuration
    }

    public var code: Code
    /// One line for people: who was asked what, and what came of it.
    public var message: String
    public var status: Int?
    public var retryAfterSeconds: Int?
    /// The service's own word for it: `invalid_grant`.
    public var name: String?

    public init(_ code: Code, _ message: String, status: Int? = nil, retryAfterSeconds: Int? = nil, name: String? = nil) {
        self.code = code
        self.message = message
        self.status = status
        self.retryAfterSeconds = retryAfterSeconds
        self.name = name
    }

    public var description: String { message }

    /// The same call may succeed later without anybody doing anything.
    public var mayPass: Bool {
        switch code {
        case .unreachable, .rateLimited, .unavailable, .protocolViolation: true
        default: false
        }
    }
}

extension GlobusError {
    init(_ error: WebError, _ service: String) {
        self.init(.unreachable, "\(service): \(error.message)")
    }

    /// What an answer other than 2xx says (`GLOBUS.md` §1.6).
    public init(_ answer: WebAnswer, _ service: String) {
        let body = LooseJSON.parse(answer.body)
        let first = body?["errors"]?.items?.first
        let name = [body?["code"], body?["error"], first?["code"]].lazy.compactMap { $0?.text }.first
        let words = [
            body?["message"], body?["reason"], body?["detail"], body?["error_description"], first?["detail"],
            first?["title"],
            first?["message"],
        ].lazy.compactMap { $0?.text }.first
        let code: Code =
            switch answer.status {
            case _ where body?["authorization_parameters"]?.object != nil: .forbidden
            case 401: .unauthorized
            case 403: .forbidden
            case 404: .notFound
            case 429: .rateLimited
            case 400..<500: .badRequest
            case 500...: .unavailable
            default: .protocolViolation
            }
        let said = [name, words].compactMap { $0 }.joined(separator: ": ")
        self.init(
            code, "\(service) answered \(answer.status)\(said.isEmpty ? "" : " (\(Self.printable(said)))")",
            status: answer.status, retryAfterSeconds: Self.seconds(answer.field("retry-after")), name: name)
    }

    /// Characters of a service's words that are passed on.
    private static let wordCharacters = 200

    private static func printable(_ text: String) -> String {
        String(text.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(wordCharacters).map(Character.init))
    }

    private static func seconds(_ text: String?) -> Int? {
        text.flatMap { Int($0) }.flatMap { (0...86_400).contains($0) ? $0 : nil }
    }
}
