/// What a carrier takes on for others.
public struct CarrierSettings: Sendable, Equatable {
    /// Connections that one outbound-only node may keep parked here.
    public var parkedPerNode: Int
    /// Of all nodes together.
    public var parked: Int
    /// Connections joined at once.
    public var splices: Int
    /// Of those, for one caller.
    public var splicesPerCaller: Int
    /// Nanoseconds without a byte after which a splice is ended.
    public var idle: UInt64
    /// Nanoseconds between two signs of life on a parked connection.
    public var keepAlive: UInt64

    public init(
        parkedPerNode: Int = 16, parked: Int = 4096, splices: Int = 1024, splicesPerCaller: Int = 256,
        idle: UInt64 = 300_000_000_000,
        keepAlive: UInt64 = 20_000_000_000
    ) {
        self.parkedPerNode = parkedPerNode
        self.parked = parked
        self.splices = splices
        self.splicesPerCaller = splicesPerCaller
        self.idle = idle
        self.keepAlive = keepAlive
    }
}
