import Transport

extension NodeAPI {
    /// `GET /mesh/console`: a page without data; it asks for a token and reads `/mesh/*` with it.
    func answerConsole(_ call: Call) async {
        var generator = SystemRandomNumberGenerator()
        let nonce = String(generator.next() as UInt64, radix: 16) + String(generator.next() as UInt64, radix: 16)
        let page = ConsolePage.html.replacing("NONCE", with: nonce)
        await call.exchange.respond(status: 200, contentType: "text/html; charset=utf-8", body: page) {
            $0.field(
                "Content-Security-Policy",
                "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; "
                    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
            $0.field("X-Content-Type-Options", "nosniff")
            $0.field("Referrer-Policy", "no-referrer")
            $0.field("Cache-Control", "no-store")
            call.fields($0)
        }
    }
}

extension String {
    /// The page's few marks, replaced; the standard library alone has no such call for text.
    func replacing(_ mark: String, with text: String) -> String {
        var out = ""
        var rest = self[...]
        while let start = rest.firstRange(of: mark) {
            out += rest[..<start.lowerBound] + text
            rest = rest[start.upperBound...]
        }
        return out + rest
    }
}
