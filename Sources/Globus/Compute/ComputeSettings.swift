/// How tasks are sent to Globus Compute and how their results are fetched, for one client id.
public struct ComputeSettings: Sendable, Equatable {
    /// Requests of every kind in `windowSeconds`. The service allows 20 in 10 s a client (GLOBUS.md §2.6).
    public var requestsPerWindow = 20
    public var windowSeconds = 10.0
    /// Added to the window, since what leaves here evenly may arrive bunched.
    public var windowMarginSeconds = 0.2
    /// Requests of a window that submits leave to polls.
    public var pollReserve = 5
    /// Requests of a window that polls leave to submits, however quiet it is.
    public var submitReserve = 6

    /// How long the first task of a submit waits for others.
    public var coalesceSeconds = 0.03
    /// Tasks in one submit; the SDK's own figure.
    public var tasksPerSubmit = 128
    /// Bytes of one submit's body; the service takes 10 MB.
    public var submitBytes = 10_000_000
    /// Submits under way at once for one queue.
    public var submitsInFlight = 3
    public var submitTimeoutSeconds = 60.0
    /// Attempts to submit a task, counting only those that the service or the network has failed.
    public var submitAttempts = 5
    /// How long an endpoint that refuses to start because an old process of it seems alive (`(SystemExit) 73`) is tried again:
    /// three heartbeats.
    public var startRetrySeconds = 90.0

    /// Tasks waiting to be submitted; one more is refused.
    public var queuedTasks = 2000
    /// Tasks known at all, waiting or submitted; one more is refused.
    public var heldTasks = 20_000
    /// Bytes of arguments kept for tasks that may still have to be submitted, or submitted again.
    public var heldBytes = 256 << 20
    /// The longest time a task may be given.
    public var longestDeadlineSeconds = 86_400.0

    /// Task ids in one poll.
    public var tasksPerPoll = 1000
    public var pollTimeoutSeconds = 30.0
    /// The longest answer to a poll that is read.
    public var pollAnswerBytes = 64 << 20
    /// The longest result: what an agent may send, in characters (GLOBUS.md §2.6).
    public var resultCharacters = 10_485_760
    /// Time between polls for a task by its age: `youngPollSeconds` in its first ten seconds, `pollSeconds` in its first minute,
    /// then slower up to `oldPollSeconds`.
    public var youngPollSeconds = 0.5
    public var pollSeconds = 1.0
    public var oldPollSeconds = 5.0
    /// Time between polls made only for tasks that nobody waits for.
    public var lazyPollSeconds = 15.0
    /// How long a result that nobody waits for is looked for.
    public var settledKeepSeconds = 120.0
    /// A task is lost when the service has not known it in so many polls and for so long.
    public var lostAfterPolls = 10
    public var lostAfterSeconds = 60.0

    /// The first and the longest wait after a failure; doubled each time, with jitter.
    public var backoffSeconds = 0.5
    public var longestBackoffSeconds = 15.0
    /// The longest `Retry-After` that is obeyed.
    public var longestRetryAfterSeconds = 120.0

    /// Questions other than submits and polls (status, registration) that may wait at once.
    public var questionsAllowed = 256
    /// How long an endpoint's status is good for, and how long a failure to get it.
    public var statusSeconds = 60.0
    public var statusFailureSeconds = 10.0

    public init() {}

    /// These, but that each kind of request can be made at all: what would stop everything is brought to its least.
    var sound: ComputeSettings {
        var sound = self
        sound.requestsPerWindow = max(requestsPerWindow, 2)
        sound.windowSeconds = max(windowSeconds, 0.001)
        sound.windowMarginSeconds = max(windowMarginSeconds, 0)
        sound.pollReserve = min(max(pollReserve, 1), sound.requestsPerWindow - 1)
        sound.submitReserve = min(max(submitReserve, 1), sound.requestsPerWindow - sound.pollReserve)
        sound.tasksPerSubmit = max(tasksPerSubmit, 1)
        sound.submitsInFlight = max(submitsInFlight, 1)
        sound.submitAttempts = max(submitAttempts, 1)
        sound.tasksPerPoll = max(tasksPerPoll, 1)
        sound.youngPollSeconds = max(youngPollSeconds, 0.01)
        sound.pollSeconds = max(pollSeconds, sound.youngPollSeconds)
        sound.oldPollSeconds = max(oldPollSeconds, sound.pollSeconds)
        sound.lazyPollSeconds = max(lazyPollSeconds, sound.pollSeconds)
        return sound
    }
}

extension Double {
    /// Nanoseconds, clamped to what can be said.
    var nanoseconds: UInt64 {
        let scaled = (self * 1e9).rounded()
        return scaled > 0 ? (scaled < 9e18 ? UInt64(scaled) : .max / 2) : 0
    }
}

extension UInt64 {
    /// The moment `seconds` later, clamped.
    func adding(seconds: Double) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(seconds.nanoseconds)
        return overflow ? .max : sum
    }

    /// Seconds from `earlier` to here; 0 if that is later.
    func seconds(since earlier: UInt64) -> Double { self > earlier ? Double(self - earlier) / 1e9 : 0 }
}
