import Trust

/// The body that registers a function from its source text, without Python (GLOBUS.md §2.2).
public struct FunctionRegistration: Sendable, Equatable {
    /// How the source is laid out for the worker.
    public enum Strategy: String, Sendable {
        /// `st`, PureSourceTextInspect: for workers of version 3.3.0 or later.
        case pureSource = "st"
        /// `04`, DillCodeSource: for every worker; before 3.3.0 the function must do its imports inside.
        case dillSource = "04"
    }

    /// The name that the source defines.
    public let name: String
    public let source: String
    public let strategy: Strategy
    public let description: String?
    /// Whether anybody may run it.
    public let isPublic: Bool
    /// The Globus group whose members may run it.
    public let group: String?
    /// What the service notes about the registrant: this Python and this SDK wrote the same bytes.
    public var pythonVersion = "3.11.7"
    public var sdkVersion = "4.19.0"

    /// - Parameter name: one for which `isName` holds.
    public init(
        name: String, source: String, strategy: Strategy = .pureSource, description: String? = nil,
        public isPublic: Bool = false,
        group: String? = nil
    ) {
        precondition(Self.isName(name), "a function's name is an identifier of Python")
        self.name = name
        self.source = source
        self.strategy = strategy
        self.description = description
        self.isPublic = isPublic
        self.group = group
    }

    /// Whether a text is an ASCII identifier of Python of at most 255 characters.
    public static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, bytes.count <= 255, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return bytes.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "_")
        }
    }

    /// The function, serialized and packed.
    public var code: String {
        switch strategy {
        case .pureSource: PackedBuffers.pack([SerializerIdentifier.pureSource + name + ":" + source])
        case .dillSource: PackedBuffers.pack([SerializerIdentifier.dillSource + Base64.encode(pickledSource) + "\n"])
        }
    }

    /// Protocol 2: two strings made into a pair.
    private var pickledSource: [UInt8] {
        var bytes: [UInt8] = [PickleOpcode.proto, 2]
        for text in [name, source] {
            let count = text.utf8.count
            bytes.append(PickleOpcode.binUnicode)
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
            bytes.append(contentsOf: text.utf8)
        }
        return bytes + [PickleOpcode.tuple2, PickleOpcode.stop]
    }

    /// The body for `POST /v3/functions`, laid out as the Python SDK does.
    public var json: String {
        var fields = [
            WirePair("function_name", .string(name)), WirePair("function_code", .string(code)),
            WirePair("serialized", .bool(true)),
            WirePair(
                "meta",
                .dictionary([
                    WirePair("python_version", .string(pythonVersion)), WirePair("sdk_version", .string(sdkVersion)),
                    WirePair("serde_identifier", .string(strategy.rawValue)),
                ])),
        ]
        if let description { fields.append(WirePair("description", .string(description))) }
        if isPublic { fields.append(WirePair("public", .bool(true))) }
        if let group { fields.append(WirePair("group", .string(group))) }
        return WireJSON.write(.dictionary(fields), style: .python)
    }
}
