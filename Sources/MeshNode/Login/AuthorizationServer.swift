import FoundationEssentials
import Transport
import Trust

/// Proof key of one login (RFC 7636): who brings the code must know the secret that the login began with.
struct ProofKey: Equatable, Sendable {
    let verifier: String
    /// The S256 challenge (§4.2).
    let challenge: String

    /// - Parameter verifier: 43 to 128 unreserved characters (§4.1).
    init(verifier: String) {
        self.verifier = verifier
        challenge = Base64.encodeURL(Digest.sha256(Array(verifier.utf8)))
    }

    /// A new one, from 32 random bytes.
    init() { self.init(verifier: Random.token()) }
}

/// Globus Auth as a program without a secret speaks to it (RFC 8252).
struct AuthorizationServer: Sendable {
    /// Scheme, host and port.
    let origin: String
    let clientID: String
    /// Makes a call; what tests put in its place.
    var send: @Sendable (WebRequest) throws(WebError) -> WebAnswer = Calls.send

    /// Why there are no tokens.
    enum Failure: Error, Equatable {
        /// The server said no: what was presented is used up, revoked or wrong.
        case refused(String)
        /// No answer, or one that says "later".
        case unavailable(String)

        var text: String {
            switch self {
            case .refused(let text), .unavailable(let text): text
            }
        }
    }

    /// Bytes of an answer, and of one token in it.
    static let answerBytes = 1 << 20
    static let tokenBytes = 8192
    /// The longest life that is believed, in seconds: a year.
    static let lifeSeconds: Int64 = 366 * 86400

    /// Where the code is shown for the user to copy.
    var pageForCode: String { "\(origin)/v2/web/auth-code" }

    /// What the user opens. `access_type=offline` asks for refresh tokens.
    func authorizationURL(
        scopes: [String], redirect: String, state: String, key: ProofKey, signInAnew: Bool
    ) -> String {
        var fields = [
            ("client_id", clientID), ("redirect_uri", redirect), ("response_type", "code"),
            ("scope", scopes.joined(separator: " ")), ("state", state), ("code_challenge", key.challenge),
            ("code_challenge_method", "S256"), ("access_type", "offline"),
        ]
        if signInAnew { fields.append(("prompt", "login")) }
        return "\(origin)/v2/oauth2/authorize?\(Self.form(fields))"
    }

    /// Tokens for a code (RFC 6749 §4.1.3).
    func exchange(code: String, redirect: String, key: ProofKey, now: Int64) throws(Failure) -> [String: StoredToken] {
        try tokens(
            [
                ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
                ("code_verifier", key.verifier), ("client_id", clientID),
            ], now: now)
    }

    /// New tokens for a refresh token (RFC 6749 §6).
    func refresh(_ token: String, now: Int64) throws(Failure) -> [String: StoredToken] {
        try tokens([("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", clientID)], now: now)
    }

    /// Makes a token useless (RFC 7009).
    func revoke(_ token: String) throws(Failure) {
        _ = try post("/v2/oauth2/token/revoke", [("token", token), ("client_id", clientID)])
    }

    private func tokens(_ fields: [(String, String)], now: Int64) throws(Failure) -> [String: StoredToken] {
        try TokenAnswer.read(try post("/v2/oauth2/token", fields), now: now)
    }

    private func post(_ path: String, _ fields: [(String, String)]) throws(Failure) -> [UInt8] {
        let request = WebRequest(
            method: "POST", url: origin + path,
            fields: [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")],
            body: Array(Self.form(fields).utf8), answerBytes: Self.answerBytes)
        let answer: WebAnswer
        do throws(WebError) {
            answer = try send(request)
        } catch { throw .unavailable("cannot reach \(origin): \(error.message)") }
        switch answer.status {
        case 200..<300: return answer.body
        case 400..<500 where answer.status != 429 && answer.status != 408:
            throw .refused("\(origin) refuses: \(TokenAnswer.reason(answer.body) ?? "status \(answer.status)")")
        default: throw .unavailable("\(origin) answers \(answer.status): try again later")
        }
    }

    /// `application/x-www-form-urlencoded`, with all but unreserved characters escaped.
    static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\($0.0)=\(NodeClient.encoded($0.1))" }.joined(separator: "&")
    }
}
