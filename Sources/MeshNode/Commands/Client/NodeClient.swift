import CCurl
import Glibc
import Trust

/// Asks a running node, through libcurl.
struct NodeClient {
    struct Answer {
        let status: Int
        let body: [UInt8]
    }

    private let node: String
    private let token: String

    /// Bytes of an answer.
    private static let answerBytes = 16 << 20
    private static let timeoutSeconds = 10

    /// - Parameter node: base URL of its API.
    init(node: String, token: String) throws(CommandFailure) {
        guard token.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw CommandFailure(exitCode: 2, message: "the token holds bytes that no token has")
        }
        // libcurl would speak file, ftp and more.
        guard node.hasPrefix("http://") || node.hasPrefix("https://") else {
            throw CommandFailure(exitCode: 2, message: "--node takes an http or https URL, not \(node)")
        }
        var node = node
        while node.hasSuffix("/") { node.removeLast() }
        self.node = node
        self.token = token
    }

    /// From `--node` and, for the token, `--token-file` or MESHNODE_TOKEN.
    init(_ invocation: Invocation) throws(CommandFailure) {
        let token: String
        if let file = invocation.text(.tokenFile) {
            do {
                token = Self.trimmed(String(decoding: try SecretFile.read(file), as: UTF8.self))
            } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        } else if let value = getenv("MESHNODE_TOKEN"), value.pointee != 0 {
            token = String(cString: value)
        } else {
            throw CommandFailure(
                exitCode: 2,
                message: "no token: put one of the role viewer into MESHNODE_TOKEN or a file named by --token-file")
        }
        try self.init(node: invocation.text(.node) ?? "http://127.0.0.1:8101", token: token)
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while rest.last?.isWhitespace == true { rest.removeLast() }
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        return String(rest)
    }

    private final class Sink {
        var bytes: [UInt8] = []
    }

    /// Any answer at all; throws when there is none.
    func fetch(_ path: String) throws(CommandFailure) -> Answer {
        guard let handle = curl_easy_init() else { throw CommandFailure(exitCode: 1, message: "libcurl cannot be used") }
        defer { curl_easy_cleanup(handle) }
        let sink = Sink()
        var fields = curl_slist_append(nil, "Authorization: Bearer \(token)")
        defer { curl_slist_free_all(fields) }
        fields = curl_slist_append(fields, "Accept: application/json")
        _ = mesh_easy_string(handle, CURLOPT_URL, node + path)
        _ = mesh_easy_pointer(handle, CURLOPT_HTTPHEADER, fields.map { UnsafeMutableRawPointer($0) })
        _ = mesh_easy_long(handle, CURLOPT_NOSIGNAL, 1)
        _ = mesh_easy_long(handle, CURLOPT_TIMEOUT, Self.timeoutSeconds)
        if let authority = getenv("MESHNODE_CA") { _ = mesh_easy_string(handle, CURLOPT_CAINFO, authority) }
        _ = mesh_easy_callback(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, target in
            guard let bytes, let target else { return 0 }
            let sink = Unmanaged<Sink>.fromOpaque(target).takeUnretainedValue()
            guard sink.bytes.count + size * count <= NodeClient.answerBytes else { return 0 }
            sink.bytes.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: size * count))
            return size * count
        }
        _ = mesh_easy_pointer(handle, CURLOPT_WRITEDATA, Unmanaged.passUnretained(sink).toOpaque())
        let result = withExtendedLifetime(sink) { curl_easy_perform(handle) }
        guard result == CURLE_OK else {
            throw CommandFailure(
                exitCode: 1, message: "cannot reach \(node): \(String(cString: curl_easy_strerror(result)))")
        }
        var status = 0
        _ = mesh_easy_info_long(handle, CURLINFO_RESPONSE_CODE, &status)
        return Answer(status: status, body: sink.bytes)
    }

    /// The body of a 200; any other answer is an error in words.
    func get(_ path: String) throws(CommandFailure) -> [UInt8] {
        let answer = try fetch(path)
        if answer.status == 200 { return answer.body }
        throw CommandFailure(exitCode: 1, message: Self.explain(answer, node: node))
    }

    static func explain(_ answer: Answer, node: String) -> String {
        let said = ErrorBody.message(answer.body)
        switch answer.status {
        case 401: return "\(node) does not know this token"
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
