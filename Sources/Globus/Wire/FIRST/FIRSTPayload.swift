import Transport

/// The arguments of FIRST's registered functions: one dictionary with everything in `model_params` (FIRST.md §2.1).
public enum FIRSTPayload {
    /// Where the function sends the pieces of a streamed answer.
    public struct Stream: Sendable, Equatable {
        public var host: String
        public var port: Int
        /// `https` or `http`.
        public var scheme: String
        /// A UUID of the node's making, which names the stream in its callbacks.
        public var task: String
        /// The secret of this stream's callbacks.
        public var token: String

        public init(host: String, port: Int, scheme: String = "https", task: String, token: String) {
            self.host = host
            self.port = port
            self.scheme = scheme
            self.task = task
            self.token = token
        }
    }

    /// Members that only the gateway sets. A client that could set them would choose where the function connects to.
    public static let reservedNames: Set<String> = [
        "api_port", "cache_salt", "openai_endpoint", "stream_task_id", "stream_task_token", "streaming_server_host",
        "streaming_server_port", "streaming_server_protocol",
    ]

    /// The JSON array of positional arguments, for `TaskArguments.encode(rawArgumentsJSON:)`. The client's members keep their
    /// order and their text; those of the gateway follow them.
    /// - Parameters:
    ///   - body: the client's request body, a JSON object.
    ///   - endpoint: the API's path without version, such as `chat/completions`.
    ///   - port: the inference server's port on the compute node.
    ///   - model: the name that the site knows the model by, in place of the client's; nil to leave it.
    ///   - stream: nil for a whole answer: `stream` is then false whatever the client says.
    /// - Throws: `.reservedField`, naming the member; `.malformed` if the body is no JSON object or names a member twice.
    public static func arguments(
        body: [UInt8], endpoint: String, port: Int, model: String? = nil, stream: Stream? = nil
    ) throws(WireError) -> String {
        var members = MemberList(bytes: body)
        do throws(JSONSyntaxError) {
            try read(body, into: &members)
        } catch {
            throw .malformed("the body is not a JSON object: \(error.reason) at byte \(error.offset)")
        }
        if let name = members.reserved { throw WireError(.reservedField, "the field `\(name)` is set by the gateway only") }
        if let name = members.doubled {
            throw .malformed("the field `\(WireText.printable(name.utf8))` stands twice")
        }
        var own: [WirePair] = []
        if let model { own.append(WirePair("model", .string(model))) }
        own.append(WirePair("stream", .bool(stream != nil)))
        own.append(WirePair("openai_endpoint", .string(endpoint)))
        own.append(WirePair("api_port", .integer(Int64(port))))
        if let stream {
            own.append(WirePair("streaming_server_host", .string(stream.host)))
            own.append(WirePair("streaming_server_port", .integer(Int64(stream.port))))
            own.append(WirePair("streaming_server_protocol", .string(stream.scheme)))
            own.append(WirePair("stream_task_id", .string(stream.task)))
            own.append(WirePair("stream_task_token", .string(stream.token)))
        }
        return "[{\"model_params\": {" + members.text(with: own) + "}}]"
    }

    private static func read(_ body: [UInt8], into members: inout MemberList) throws(JSONSyntaxError) {
        // The standard library's closures that pass typed errors on do so for buffers of elements only.
        var failure: JSONSyntaxError?
        body.withUnsafeBytes { bytes in
            do throws(JSONSyntaxError) {
                try JSONScanner.object(bytes, visitor: &members)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// The client's top-level members as ranges of the body.
    private struct MemberList: JSONFieldVisitor {
        let bytes: [UInt8]
        private(set) var reserved: String?
        private(set) var doubled: String?
        private var members: [(name: String, key: Range<Int>, value: Range<Int>)] = []
        private var names: Set<[UInt8]> = []

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
            // Names are compared decoded: escapes hide nothing.
            let name = bytes.withUnsafeBytes { JSONScanner.text($0, in: key) }
            if reserved == nil, FIRSTPayload.reservedNames.contains(name) { reserved = name }
            if !names.insert(Array(name.utf8)).inserted, doubled == nil { doubled = name }
            members.append((name, key, value))
        }

        /// The members and the gateway's own, which take the place of the client's of the same name.
        func text(with own: [WirePair]) -> String {
            var text: [UInt8] = []
            var left = own
            func add(_ key: some Sequence<UInt8>, _ value: some Sequence<UInt8>) {
                if !text.isEmpty { text.append(contentsOf: ", ".utf8) }
                text.append(UInt8(ascii: "\""))
                text.append(contentsOf: key)
                text.append(contentsOf: "\": ".utf8)
                text.append(contentsOf: value)
            }
            for member in members {
                if let index = left.firstIndex(where: { $0.key == .string(member.name) }) {
                    add(member.name.utf8, WireJSON.write(left.remove(at: index).value, style: .python).utf8)
                } else {
                    add(bytes[member.key], bytes[member.value])
                }
            }
            for pair in left { add((pair.key.text ?? "").utf8, WireJSON.write(pair.value, style: .python).utf8) }
            return String(decoding: text, as: UTF8.self)
        }
    }
}
