/// The payload of one task: its positional and its keyword arguments, each as JSONData (`11`), packed. In ASCII, so that bytes
/// and scalars count the same; byte for byte what the Python SDK writes (GLOBUS.md §3.1).
public enum TaskArguments {
    /// - Parameter keywords: a dictionary.
    public static func encode(arguments: [WireValue], keywords: WireValue = .dictionary([])) -> String {
        PackedBuffers.pack([buffer(.list(arguments)), buffer(keywords)])
    }

    /// For a caller that has written the JSON array of the positional arguments already.
    public static func encode(rawArgumentsJSON: String) -> String {
        PackedBuffers.pack([SerializerIdentifier.json + rawArgumentsJSON, buffer(.dictionary([]))])
    }

    private static func buffer(_ value: WireValue) -> String {
        SerializerIdentifier.json + WireJSON.write(value, style: .python)
    }
}

/// The first two characters and the line end of a serialized text, which say how the rest was written (GLOBUS.md §3.2).
enum SerializerIdentifier {
    /// JSONData.
    static let json = "11\n"
    /// DillDataBase64: a pickle.
    static let pickle = "00\n"
    /// AllDataStrategies: packed buffers, of which the first that can be read counts.
    static let all = "13\n"
    /// PureSourceTextInspect: `name:source`.
    static let pureSource = "st\n"
    /// DillCodeSource: the pickle of a pair of name and source.
    static let dillSource = "04\n"
}
