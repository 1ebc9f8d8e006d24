/// What FIRST's functions return (FIRST.md §2.2): JSON inside a string, of the answer itself or of how its stream went.
public enum FIRSTAnswer: Sendable, Equatable {
    /// The inference server's answer as JSON text, with the members that the function adds to it.
    case whole(String)
    /// A stream that was sent to the node's callbacks.
    case streamed(FIRSTStreamReport)

    /// - Throws: `.malformed` for a result that is neither.
    public init(_ result: WireValue) throws(WireError) {
        let value = result.unwrapped
        guard case .dictionary = value else {
            throw .malformed("the site's function returned neither an object nor the JSON text of one")
        }
        if let report = FIRSTStreamReport(value) {
            self = .streamed(report)
        } else {
            // As JSON proper: a result may hold Python's NaN.
            self = .whole(WireJSON.write(value, style: .compact, ascii: false))
        }
    }
}

/// How a stream went, as the function that sent it tells at its end.
public struct FIRSTStreamReport: Sendable, Equatable {
    /// `completed` or `error`.
    public let status: String
    /// Pieces the function read from the inference server and those that it could hand over; nil if it does not say.
    public let chunks: Int?
    public let chunksSent: Int?
    public let warning: String?
    /// What went wrong, whole: for logs. `failure` has what users may see.
    public let error: String?

    /// Nil for a value that is no such report.
    /// A number of chunks that a stream can have; nil for what is none.
    private static func count(_ value: WireValue?) -> Int? {
        value?.integer.flatMap { (0...1_000_000_000).contains($0) ? $0 : nil }
    }

    init?(_ value: WireValue) {
        guard value["streaming"]?.truth == true, let status = value["status"]?.text else { return nil }
        self.status = status
        chunks = Self.count(value["total_chunks"])
        chunksSent = Self.count(value["chunks_sent_to_server"])
        warning = value["warning"]?.text
        error = value["error"]?.text
    }

    /// Whether pieces were lost on the way: the function does not send anything twice, and calls such a stream completed.
    public var isTruncated: Bool {
        if let chunks, let chunksSent, chunksSent < chunks { return true }
        return !(warning ?? "").isEmpty
    }

    /// Whether the stream ended well and nothing of it was lost.
    public var isWhole: Bool { status == "completed" && !isTruncated && (error ?? "").isEmpty }

    /// Why it ended badly.
    public var failure: RemoteFailure? { error.map { RemoteFailure(exceptionText: $0) } }
}
