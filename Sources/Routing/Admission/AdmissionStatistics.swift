/// What a gate has done since its start.
public struct AdmissionStatistics: Sendable, Equatable {
    /// Requests that had a slot at once, and after a wait.
    public internal(set) var enteredAtOnce = 0
    public internal(set) var enteredAfterWaiting = 0
    /// Nanoseconds that those waited who got a slot.
    public internal(set) var waitedNanoseconds: UInt64 = 0
    /// Refused, by cause.
    public internal(set) var refused: [Gate.Refusal: Int] = [:]
}

/// A gate as it is now.
public struct AdmissionState: Sendable, Equatable {
    /// Requests that may run at once, as it is configured or the server tells; and as few of them as run well, if that is measured.
    public var configuredSlots: Int
    public var slots: Int
    public var running: Int
    /// In line, by priority.
    public var interactive: Int
    public var batch: Int
    /// Seconds that a new request of a new user would wait in line; nil: not known.
    public var expectedSeconds: Double?
    public var statistics: AdmissionStatistics
}
