import Gossip
import Routing
import Transport
import Trust

extension NodeAPI {
    private static let cookie = "meshnode_login"
    /// Bytes of the form that makes a key.
    private static let formBytes = 8192

    private func webLogin() throws(APIError) -> any WebLoginFlow {
        guard let flow = facts.webLogin, facts.keys != nil else {
            throw APIError(404, code: "no_login_page", "this node has no login page; use `meshnode login`")
        }
        return flow
    }

    /// `GET /login`: sends the browser to the identity provider.
    func startLogin(_ call: Call) async throws(APIError) {
        let flow = try webLogin()
        let begun = logins.begin(nowSeconds: Self.nowSeconds)
        let challenge = Base64.encodeURL(Digest.sha256(Array(begun.verifier.utf8)))
        let url = flow.authorizationURL(state: begun.state, challenge: challenge)
        await call.exchange.respond(status: 302, contentType: "text/plain; charset=utf-8", body: "go on at \(url)\n") {
            $0.field("Location", url)
            $0.field("Set-Cookie", self.cookieText(begun.browser, seconds: LoginStates.lifetimeSeconds))
            $0.field("Cache-Control", "no-store")
            $0.field("Referrer-Policy", "no-referrer")
            call.fields($0)
        }
    }

    /// `GET /login/callback`: the browser comes back with a code, or with word of why not.
    func finishLogin(_ call: Call) async throws(APIError) {
        let flow = try webLogin()
        let exchange = call.exchange
        guard let browser = cookie(exchange), let name = exchange.query("state"),
            let verifier = logins.comeBack(name, browser: browser, nowSeconds: Self.nowSeconds)
        else {
            return await show(call, 400, LoginPage.failed("This login was not begun in this browser, or too long ago."))
        }
        if let problem = exchange.query("error") {
            let words = exchange.query("error_description") ?? problem
            return await show(call, 403, LoginPage.failed("The identity provider said: \(words.prefix(300))"))
        }
        guard let code = exchange.query("code"), !code.isEmpty, code.utf8.count <= 4096 else {
            return await show(call, 400, LoginPage.failed("The identity provider sent no code."))
        }
        switch await flow.identify(code: code, verifier: verifier) {
        case .refused(let refusal):
            await show(call, refusal.status == 401 ? 403 : refusal.status, LoginPage.failed(refusal.message))
        case .unavailable(_, let message): await show(call, 503, LoginPage.failed(message))
        case .active(let identity):
            let nowSeconds = Self.nowSeconds
            facts.keys?.saw(identity, nowSeconds: nowSeconds)
            let ticket = logins.admit(identity, browser: browser, nowSeconds: nowSeconds)
            await show(
                call, 200,
                LoginPage.form(
                    user: identity.username, site: router.me.site, ticket: ticket,
                    maximumDays: facts.keys?.settings.maximumDays ?? 1))
        }
    }

    /// `POST /login/key`: makes the key that the form asks for. The ticket in the form and the browser's cookie belong
    /// together, so that no other page can send it.
    func makeKeyByForm(_ call: Call) async throws(APIError) {
        _ = try webLogin()
        guard let keys = facts.keys else { return }
        let exchange = call.exchange
        let range: Range<Int>
        do throws(HTTPSyntaxError) {
            range = try await exchange.readBody(limit: Self.formBytes)
        } catch { throw APIError(error) }
        let form = Self.form(Array(exchange.headBytes[range]))
        guard let browser = cookie(exchange), let ticket = form["ticket"],
            let identity = logins.take(ticket, browser: browser, nowSeconds: Self.nowSeconds)
        else {
            return await show(call, 400, LoginPage.failed("This form was used already, or is too old."))
        }
        do throws(APIError) {
            var order = KeyOrder(name: form["name"] ?? "")
            if let days = form["days"].flatMap({ UInt64($0) }), (1...365).contains(days) {
                order.expiresInSeconds = days * 86_400
            }
            try order.check()
            let caller = Caller(user: RequestUser(identity), role: .user)
            var needs = RequestNeeds(model: "")
            try admit(caller, &needs)
            // The rules of the roles are asked where the key is made.
            let made = try await keys.make(order, for: identity, nowSeconds: Self.nowSeconds)
            control.log(.info, "key \(made.key.id) made by \(identity.username) at the login page")
            let expires = Timestamp.text(seconds: made.key.expiresAt)
            await show(call, 200, LoginPage.made(key: made.text, apiURL: facts.apiURL, expires: expires), endsLogin: true)
        } catch { await show(call, error.status, LoginPage.failed(error.message), endsLogin: true) }
    }

    private func show(_ call: Call, _ status: Int, _ html: String, endsLogin: Bool = false) async {
        let nonce = Digest.hex(Random.bytes(16))
        await call.exchange.respond(
            status: status, contentType: "text/html; charset=utf-8", body: html.replacing("NONCE", with: nonce)
        ) {
            $0.field(
                "Content-Security-Policy",
                "default-src 'none'; style-src 'nonce-\(nonce)'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
            )
            $0.field("X-Content-Type-Options", "nosniff")
            $0.field("Referrer-Policy", "no-referrer")
            $0.field("Cache-Control", "no-store")
            if endsLogin { $0.field("Set-Cookie", self.cookieText("", seconds: 0)) }
            call.fields($0)
        }
    }

    /// Not readable by scripts, not sent with what other sites post.
    private func cookieText(_ value: String, seconds: UInt64) -> String {
        let isSecure = facts.apiURL.hasPrefix("https://")
        return
            "\(Self.cookie)=\(value); Path=/login; Max-Age=\(seconds); HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")"
    }

    private func cookie(_ exchange: HTTPExchange) -> String? {
        for part in (exchange.text(.cookie) ?? "").split(separator: ";").prefix(64) {
            let pair = part.trimmed.split(separator: "=", maxSplits: 1)
            if pair.count == 2, pair[0] == Self.cookie { return String(pair[1]) }
        }
        return nil
    }

    /// A form's fields (`application/x-www-form-urlencoded`), the first of each name.
    static func form(_ body: [UInt8]) -> [String: String] {
        var fields: [String: String] = [:]
        for pair in body.split(separator: UInt8(ascii: "&")).prefix(32) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decodePercent(parts[0], plusIsSpace: true), parts.count == 2,
                let value = decodePercent(parts[1], plusIsSpace: true), fields[name] == nil
            else { continue }
            fields[name] = value
        }
        return fields
    }
}
