import CCurl

extension WebError {
    static func givenUp(mayHaveArrived: Bool) -> WebError {
        WebError(.cancelled, "the call was given up", mayHaveArrived: mayHaveArrived)
    }

    static func unsendable(_ what: String) -> WebError {
        WebError(.badURL, "a call to another service cannot be made: \(what)", mayHaveArrived: false)
    }

    static let noMemory = WebError(.unreachable, "no memory for a call to another service", mayHaveArrived: false)

    /// What a result of libcurl means.
    ///
    /// - Parameters:
    ///   - name: host and port.
    ///   - begun: the first byte of the request was written.
    ///   - reason: libcurl's own words. Used only for what happens before the request, when no secret has been touched.
    static func of(
        _ result: CURLcode, _ refusal: WebAnswerReader.Refusal?, _ name: String, begun: Bool, reason: String
    ) -> WebError {
        switch refusal {
        case .tooLarge: return WebError(.tooLarge, "the answer of \(name) is longer than allowed", mayHaveArrived: true)
        case .headTooLarge:
            return WebError(.tooLarge, "the answer of \(name) has more header fields than allowed", mayHaveArrived: true)
        case nil: break
        }
        let words = reason.isEmpty ? String(cString: curl_easy_strerror(result)) : printable(reason)
        switch result {
        // Also libcurl's word for an answer that is not HTTP.
        case CURLE_URL_MALFORMAT where !begun, CURLE_UNSUPPORTED_PROTOCOL where !begun:
            return WebError(.badURL, "\(name): \(String(cString: curl_easy_strerror(result)))", mayHaveArrived: false)
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_PROXY:
            return WebError(.unreachable, "cannot connect to \(name): \(words)", mayHaveArrived: false)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_INITFAILED:
            return WebError(.tls, "no TLS with \(name): \(words)", mayHaveArrived: begun)
        case CURLE_OPERATION_TIMEDOUT:
            // The whole call has its own deadline; libcurl's covers only the connection.
            return WebError(.timedOut, "no connection to \(name) in time", mayHaveArrived: begun)
        case CURLE_RECV_ERROR where !begun:
            return WebError(.unreachable, "cannot connect to \(name): \(words)", mayHaveArrived: false)
        default:
            return WebError(
                .broken, "the connection to \(name) broke: \(String(cString: curl_easy_strerror(result)))",
                mayHaveArrived: true)
        }
    }

    /// Names the proxy that a call went through, and what to do, where it may be the proxy's doing.
    func named(_ proxy: String?, begun: Bool, reason: String) -> WebError {
        guard let proxy, !begun else { return self }
        let hint =
            if reason.contains("response 407") {
                "it wants credentials: set proxy.userFile and proxy.passwordFile"
            } else if reason.contains("response 403") {
                "it refuses that host: ask who runs it to allow CONNECT there"
            } else if code == .tls {
                "if it inspects TLS, ask the network team to exempt that host and port"
            } else {
                "is the proxy up, and may it connect there?"
            }
        return WebError(code, "\(message) (through proxy \(proxy); \(hint))", mayHaveArrived: mayHaveArrived)
    }

    private static func printable(_ text: String) -> String {
        String(
            text.unicodeScalars.filter { (32...126).contains($0.value) }.prefix(WebLimits.reasonCharacters).map(
                Character.init))
    }
}
