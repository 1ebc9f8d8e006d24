/// Why a task failed, read from the text that the service passes on: a traceback of Python or a line of the agent
/// (GLOBUS.md §3.5). The text itself names paths and hosts of the site, so that users are shown `summary` only.
public struct RemoteFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// The function raised an exception.
        case raised
        /// The function's result was beyond the agent's limit and is lost.
        case resultTooLarge
        /// The worker process, or all workers of a block, went away. The task may have run in part; trying again is sensible.
        case workerLost, managerLost
        /// The site does not allow the function on this endpoint.
        case notPermitted
        /// The agent could not start the task.
        case startFailed
        /// The site does not accept how the function, its arguments or its result are serialized.
        case serializerRefused
        /// Text of a form not known.
        case other
    }

    /// Bytes of text that are read; what is behind them is not looked at.
    public static let readBytes = 1 << 20

    public private(set) var kind: Kind
    /// One line, safe for users: the exception's name and the first line of its message, without paths, hosts and addresses
    /// as far as they can be told.
    public private(set) var summary: String
    /// The HTTP status that the inference server answered, where a function of FIRST says so.
    public private(set) var upstreamStatus: Int?
    /// What the inference server answered, whole where it is JSON.
    public private(set) var upstreamBody: String?
    /// Characters that the result had, and that the agent passes on at most, where it was too large.
    public private(set) var resultCharacters: Int?
    public private(set) var limitCharacters: Int?

    public var description: String { summary }

    /// Whether the same task may well succeed when it is sent again.
    public var isTransient: Bool { kind == .workerLost || kind == .managerLost }

    /// - Parameter exceptionText: `exception` of a task, or the error text that a function of FIRST returned.
    public init(exceptionText: String) {
        let exception = PythonException(text: exceptionText.utf8.prefix(Self.readBytes).map { $0 })
        kind = Self.kind(of: exception)
        summary = SafeSummary.of(exception)
        switch kind {
        case .workerLost: summary = "WorkerLost: the site lost the worker that ran the task"
        case .managerLost: summary = "ManagerLost: the site lost the node that ran the task"
        case .resultTooLarge: readSizes(exception)
        default:
            guard let answer = UpstreamAnswer(message: exception.message) else { return }
            upstreamStatus = answer.status
            upstreamBody = answer.body
        }
    }

    private static func kind(of exception: PythonException) -> Kind {
        let message = exception.message
        switch exception.name {
        case "WorkerLost": return .workerLost
        case "ManagerLost": return .managerLost
        case "MaxResultSizeExceeded": return .resultTooLarge
        case "SerializationError", "DeserializationError", "SerdeError": return .serializerRefused
        default: break
        }
        if message.starts(with: "Function ".utf8), message.firstRange(of: " not permitted on endpoint".utf8) != nil {
            return .notPermitted
        }
        if message.starts(with: "Failed to start task".utf8) { return .startFailed }
        if exception.name == nil, message.starts(with: "MaxResultSizeExceeded(".utf8) { return .resultTooLarge }
        return exception.name == nil ? .other : .raised
    }

    /// `MaxResultSizeExceeded(n, limit)`.
    private mutating func readSizes(_ exception: PythonException) {
        let numbers = exception.message.split { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            .map { Int(String(decoding: $0, as: UTF8.self)) }
        summary = "MaxResultSizeExceeded: the result is larger than what the site passes on"
        guard numbers.count == 2, let size = numbers[0], let limit = numbers[1] else { return }
        resultCharacters = size
        limitCharacters = limit
        summary = "MaxResultSizeExceeded: the result has \(size) characters; the site passes on \(limit)"
    }
}

extension Array where Element == UInt8 {
    /// Where a text stands in this one first, from `start` on.
    func firstRange(of text: String.UTF8View, from start: Int = 0) -> Range<Int>? {
        let wanted = Array(text)
        guard !wanted.isEmpty, count >= wanted.count, start <= count - wanted.count else { return nil }
        var at = start
        while at <= count - wanted.count {
            if self[at] == wanted[0], self[at..<at + wanted.count].elementsEqual(wanted) { return at..<at + wanted.count }
            at += 1
        }
        return nil
    }
}
