import CCurl

/// A URL that was understood by the same parser that will follow it.
struct WebDestination: Sendable {
    /// As libcurl writes it.
    let url: String
    /// For errors: the host with the port, without path and query, which may hold secrets.
    let name: String
    /// Without brackets.
    let host: String

    init(_ text: String) throws(WebError) {
        guard let parsed = curl_url() else { throw WebError(.badURL, "no memory for a URL", mayHaveArrived: false) }
        defer { curl_url_cleanup(parsed) }
        guard curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK else { throw Self.refused("is not a URL") }
        guard let scheme = Self.part(parsed, CURLUPART_SCHEME), scheme == "http" || scheme == "https" else {
            throw Self.refused("is neither http nor https")
        }
        guard Self.part(parsed, CURLUPART_USER) == nil, Self.part(parsed, CURLUPART_PASSWORD) == nil else {
            throw Self.refused("holds a user name or password")
        }
        guard let url = Self.part(parsed, CURLUPART_URL), let host = Self.part(parsed, CURLUPART_HOST),
            let port = Self.part(parsed, CURLUPART_PORT, flags: UInt32(CURLU_DEFAULT_PORT))
        else { throw Self.refused("names no host") }
        self.url = url
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        name = "\(host):\(port)"
    }

    private static func part(_ parsed: OpaquePointer, _ part: CURLUPart, flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(parsed, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    private static func refused(_ what: String) -> WebError {
        WebError(.badURL, "the address of a call to another service \(what)", mayHaveArrived: false)
    }
}
