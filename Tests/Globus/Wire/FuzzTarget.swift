// Compiled into the tests, which replay the corpus, and by scripts/fuzz together with the sources that it drives.
#if canImport(Globus)
    @testable import Globus
#endif

/// What is fuzzed, and what must hold for any input whatever.
enum FuzzTarget: String, CaseIterable {
    case pickle, result, json, failure

    func run(_ bytes: [UInt8]) {
        switch self {
        case .pickle:
            guard let value = try? PickleReader.read(bytes) else { return }
            Self.check(value)
            // What was read is data: JSON can carry it and brings it back.
            let text = WireJSON.write(value, style: .python)
            precondition((try? WireJSON.parse(text, limits: Self.wide)) != nil, "what was written cannot be read")
        case .result:
            let text = String(decoding: bytes, as: UTF8.self)
            if let value = try? TaskResult.decode(text) { Self.check(value) }
            if let buffers = try? PackedBuffers.unpack(bytes) {
                precondition(Array(PackedBuffers.pack(buffers).utf8) == bytes, "packing is not the reverse of unpacking")
            }
        case .json:
            guard let value = try? WireJSON.parse(bytes) else { return }
            Self.check(value)
            for (style, ascii) in [(WireJSON.Style.python, true), (.compact, false)] {
                let again = try? WireJSON.parse(WireJSON.write(value, style: style, ascii: ascii), limits: Self.wide)
                precondition(again == value, "reading is not the reverse of writing")
            }
            _ = value.unwrapped
        case .failure:
            let text = String(decoding: bytes, as: UTF8.self)
            let failure = RemoteFailure(exceptionText: text)
            precondition(
                !failure.summary.isEmpty && failure.summary.unicodeScalars.count <= SafeSummary.limit + 1,
                "the summary's length")
            precondition(!failure.summary.utf8.contains(UInt8(ascii: "\n")), "a summary of several lines")
            precondition(Array(failure.summary.utf8).firstRange(of: "://".utf8) == nil, "an address in the summary")
            if let status = failure.upstreamStatus { precondition((100...599).contains(status), "no HTTP status") }
            // Line by line: the margin of an exception group is taken off.
            for line in Array((failure.upstreamBody ?? "").utf8).split(separator: UInt8(ascii: "\n")) {
                let line = String(decoding: line, as: UTF8.self)
                precondition(Array(text.utf8).firstRange(of: line.utf8) != nil, "an answer of our making")
            }
        }
    }

    /// For what was written from a value within the limits: escapes take more bytes.
    private static var wide: WireLimits {
        var limits = WireLimits.default
        limits.bytes = 1 << 30
        limits.expandedBytes = 1 << 30
        return limits
    }

    private static func check(_ value: WireValue) {
        var items = 0
        precondition(levels(value, &items) <= WireLimits.default.depth, "nested too deep")
        precondition(items <= WireLimits.default.items, "too many values")
    }

    private static func levels(_ value: WireValue, _ items: inout Int) -> Int {
        items += 1
        var deepest = 0
        switch value {
        case .list(let parts), .tuple(let parts): for part in parts { deepest = max(deepest, levels(part, &items)) }
        case .dictionary(let pairs):
            for pair in pairs { deepest = max(deepest, levels(pair.key, &items), levels(pair.value, &items)) }
        case .double(let value):
            precondition(value.isFinite, "a float that JSON has no word for")
            return 0
        default: return 0
        }
        return deepest + 1
    }
}
