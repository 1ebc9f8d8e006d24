import Transport

extension GlobusBackend {
    /// The order that our function takes, as JSON: the protocol's version 1, described in docs/globus.md.
    func order(_ callback: Callback, path: StaticString, body: String, isStream: Bool, _ requestID: String) -> String {
        var text = #"{"version":1,"task":"\#(callback.name)","request":{"path":"\#(path)","stream":\#(isStream),"body":""#
        JSONText.appendEscaped(body, to: &text)
        text += #"","headers":{"X-Request-Id":"\#(jsonEscaped(requestID))"}},"server":\#(settings.serverJSON),"#
        text += #""callback":{"url":"\#(jsonEscaped(callbackPath(callback)))","token":"\#(callback.secret)","ca":"#
        text += quoted(settings.callbackCA) + #","proxy":"# + quoted(settings.callbackProxy)
        text += #","connectSeconds":\#(settings.connectSeconds)},"timeouts":{"connectSeconds":\#(settings.connectSeconds),"#
        text += #""firstByteSeconds":\#(settings.firstByteSeconds),"stallSeconds":\#(settings.stallSeconds),"#
        text += #""totalSeconds":\#(settings.deadlineSeconds)},"resultBytes":\#(Self.resultBytes)}"#
        return text
    }

    /// A result of 10,485,760 characters is lost whole at the agent; JSON inside JSON takes more than its bytes.
    private static let resultBytes = 8 << 20

    private func callbackPath(_ callback: Callback) -> String {
        settings.callbackURL + Self.answerPath + callback.name
    }

    /// Where our function brings its answer; the task's name follows.
    public static let answerPath = "/resource_server/api/meshnode/answer/"

    private func quoted(_ text: String?) -> String { text.map { "\"\(jsonEscaped($0))\"" } ?? "null" }
}

/// JSON text of large strings.
enum JSONText {
    /// Appends what stands between a JSON string's quotes, in runs: most text needs no escape.
    static func appendEscaped(_ text: String, to output: inout String) {
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            for (index, byte) in bytes.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5c {
                output += String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<index]), as: UTF8.self)
                output += jsonEscaped(String(UnicodeScalar(byte)))
                start = index + 1
            }
            output += String(decoding: UnsafeBufferPointer(rebasing: bytes[start...]), as: UTF8.self)
        }
    }
}

/// Scheme, host and port of the address that functions call back.
struct CallbackAddress {
    let scheme: String
    let host: String
    let port: Int

    init?(_ url: String) {
        let parts = url.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0] == "https:" || parts[0] == "http:", !parts[2].isEmpty else { return nil }
        scheme = parts[0] == "https:" ? "https" : "http"
        let authority = String(parts[2])
        if let target = HostPort(authority) {
            host = target.host
            port = Int(target.port)
        } else {
            host = authority
            port = scheme == "https" ? 443 : 80
        }
    }
}
