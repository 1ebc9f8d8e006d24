/// One inference request on its way: what is forwarded and what is known of it. The body stays where it was read.
public struct ForwardRequest {
    /// The route's path, for example `/v1/chat/completions`.
    public var path: StaticString
    /// The body in the exchange's `headBytes`.
    public var body: Range<Int>
    /// The model's name inside its quotes, relative to the body's start.
    public var modelRange: Range<Int>
    public var needs: RequestNeeds
    public var requestID: String
    public var user: String
    /// Id of the API key that it came with; nil: another token.
    public var key: String?
    public var isStream: Bool
    public var priority = Priority.interactive
    /// `Mesh-Resume: continue`: should its stream break, another site is to go on with it.
    public var resumes = false
    /// It is where there is another place to go to, should this one be slow.
    var hasElsewhere = false
    /// It is where its prompt may turn out too long, and another place holds more.
    var mayGoLonger = false
    /// Of the user's answers by this model, for how long they are; 0: nobody keeps that.
    public var lengths: UInt64 = 0
    /// What this try may become; nil: it stays alone.
    var hedge: Hedge?
    /// What the client has of its answer, where that may go on elsewhere; nil otherwise.
    var answer: AnswerSoFar?
    /// What the client is told, in a comment, of the place that it goes to, where the head of its answer is out already; nil otherwise.
    var place: String?
    /// What is changed in the body beside the model's name, in order.
    var splices: [BodySplice] = []
    /// Monotonic nanoseconds after which nobody waits for the answer.
    public var deadline: UInt64
    /// Monotonic nanoseconds until which the client waits for a model that is being started.
    public var patience: UInt64

    public init(
        path: StaticString, body: Range<Int>, modelRange: Range<Int>, needs: RequestNeeds, requestID: String, user: String,
        isStream: Bool, deadline: UInt64
    ) {
        self.path = path
        self.body = body
        self.modelRange = modelRange
        self.needs = needs
        self.requestID = requestID
        self.user = user
        self.isStream = isStream
        self.deadline = deadline
        patience = deadline
    }
}

/// Nanoseconds that the parts of a forwarded request may take.
public struct ForwardTimeouts: Sendable {
    /// From the request's last byte to the answer's first.
    public var firstByte: UInt64 = 300_000_000_000
    /// Between two pieces of an answer.
    public var stall: UInt64 = 300_000_000_000
    /// What standing in line at another site may take, for how long its first byte is waited for.
    public var queue: UInt64 = 30_000_000_000
    /// Waiting for a model that is being started, where the client names no deadline.
    public var start: UInt64 = 60_000_000_000
    /// Without a byte to a client that waits for a stream of such a model, before it is sent a comment.
    public var streamKeepAlive: UInt64 = 15_000_000_000
    public init() {}
}

/// How one attempt at one candidate ended.
enum Attempt {
    /// The answer went to the client, whole.
    case answered
    /// The target refused before queueing, with its load, and said when to come again.
    case refused(retryAfterSeconds: Int)
    /// Nothing has gone to the client: another candidate may be tried.
    case failed(RoutingFailure)
    /// The answer broke after its first byte; the client was told so.
    case interrupted(String)
    /// It broke likewise, and the client was not told yet: another site may go on with it.
    case broken(StreamBreak)
    case clientGone
}

/// Why a stream that has begun does not go on.
struct StreamBreak: Sendable {
    var code: String
    var message: String
    var site: String
}

/// Why a request was not answered: what its dialect makes an error of.
public struct RoutingFailure: Error, Sendable {
    public enum Kind: String, Sendable {
        case noneRunning = "model_not_running"
        case contextTooShort = "context_length_exceeded"
        case unsupported = "unsupported_by_model"
        case notAllowed = "site_not_allowed"
        case forbidden = "access_denied"
        case notVouched = "identity_not_vouched"
        case highAssurance = "identity_high_assurance"
        case dataPolicy = "data_policy_refused"
        case overloaded = "mesh_overloaded"
        case unreachable = "mesh_upstream_failed"
        case deadline = "deadline_exceeded"
        case clientGone = "client_gone"
        /// The federation withdrew its trust in the node that had the request.
        case peerRevoked = "peer_revoked"
        /// An operator's blocks, here or at the site that had it.
        case peerBlocked = "peer_blocked"
        case userBlocked = "user_blocked"
        case keyBlocked = "key_blocked"
        case modelBlocked = "model_blocked"
        case isolated = "isolated"

        /// It is the policy of a site: that site serves others well, and this request is well elsewhere.
        var isPolicy: Bool {
            switch self {
            case .forbidden, .notVouched, .highAssurance, .dataPolicy: true
            default: false
            }
        }
    }

    public var kind: Kind
    /// The place could not be reached at all: nothing there has seen the request.
    var isUnreached = false
    /// The place says that the model does not run there, though it was believed to: what is known of it is behind.
    var isStale = false
    /// Where a model is being started that it is about; nil otherwise.
    var site: String?
    /// The place is at fault, not the request: it counts against the place.
    var isPlaceFault = false
    public var status: Int
    public var message: String
    public var retryAfterSeconds: Int?
    /// When the model is expected to run; nil: nobody has told.
    public var etaSeconds: Double?
    /// An answer of a backend that is the last word on the request: passed on as it is.
    public var answer: (status: Int, contentType: String, body: [UInt8])?

    public init(_ kind: Kind, status: Int, _ message: String, retryAfterSeconds: Int? = nil) {
        self.kind = kind
        self.status = status
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
    }
}
