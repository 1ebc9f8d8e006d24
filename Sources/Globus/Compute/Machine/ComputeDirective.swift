/// What the shell has to do, in this order.
enum ComputeDirective: Sendable, Equatable {
    /// Send it and tell the answer by `onSubmitted` or `onFailed`.
    case submit(request: UInt64, SubmitBatch)
    /// Ask for the state of these tasks and tell it by `onPolled` or `onFailed`.
    case poll(request: UInt64, tasks: [String])
    /// A question that waited may be sent now.
    case ask(question: UInt64)
    /// The service has taken the task.
    case accepted(task: UInt64, id: String, waitedSeconds: Double, resubmissions: Int)
    /// The task's outcome, told once.
    case finish(task: UInt64, ComputeOutcome)
    case log(String)
}

/// The tasks of one submit.
struct SubmitBatch: Sendable, Equatable {
    struct Function: Sendable, Equatable {
        var function: String
        var arguments: [String]
    }

    var queue: QueueKey
    /// One the service made earlier.
    var taskGroup: String?
    var functions: [Function]
}

/// Tasks that may share a submit.
struct QueueKey: Sendable, Hashable {
    var endpoint: String
    var endpointConfig: String?
    var resourceSpecification: String?
    var userRuntime: String?
}

/// The service's answer to a submit.
struct SubmitReply: Sendable, Equatable {
    var endpoint: String?
    var taskGroup: String?
    /// Task ids by function, in the order of the arguments.
    var tasks: [String: [String]]
}

/// What a poll tells of one task.
struct TaskReport: Sendable, Equatable {
    enum State: Sendable, Equatable {
        case pending
        case succeeded(String)
        /// A traceback; `isWorkerLost` if the task was not at fault.
        case failed(String, isWorkerLost: Bool)
        /// Done, but with neither result nor reason, or with more than is allowed.
        case unreadable(String)
    }

    var id: String
    var state: State
    var details = ComputeDetails()
}

/// Why a request brought no answer that is of use.
struct CallFailure: Error, Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// No answer. `mayHaveArrived` is false if the service has surely not seen it.
        case transit(mayHaveArrived: Bool)
        /// The answer is longer than is read.
        case tooLong
        case status(Int)
        /// An answer of status 200 that makes no sense.
        case unreadable
        /// We have no token: `isRefused` if Auth refused to give one.
        case noToken(isRefused: Bool)
    }

    var kind: Kind
    /// The service's own code, such as `FUNCTION_NOT_PERMITTED`, or "".
    var code = ""
    /// The service's own words, shortened.
    var message = ""
    var retryAfterSeconds: Double?
}
