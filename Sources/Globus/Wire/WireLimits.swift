/// How much of what comes from a site is read. Everything beyond is refused with `.limitExceeded`.
public struct WireLimits: Sendable, Equatable {
    /// Bytes of serialized text (UTF-8). An agent's own limit is 10,485,760 characters of a result (GLOBUS.md §2.6), all
    /// of them ASCII in the serializers asked for.
    public var bytes = 16 << 20
    /// How deep lists, tuples and dictionaries may nest, the outermost counted as one.
    public var depth = 256
    /// Values in all, each counted as often as it is reached: a pickle can name one list a million times.
    public var items = 2_000_000
    /// Bytes of strings in all, each counted as often as it is reached.
    public var expandedBytes = 64 << 20
    /// Entries of a pickle's memo.
    public var memoEntries = 1_000_000
    /// Digits of one number; more than any number of a machine needs, and few enough that converting stays cheap.
    public var digits = 1024
    /// Buffers in one packed text.
    public var buffers = 4096
    /// How deep packed texts may hold packed texts (`13`, AllDataStrategies).
    public var packings = 4

    public init() {}

    public static let `default` = WireLimits()
}
