/// The requests that were seen, the last of them. No secrets: of a token a few digits of its digest.
struct RequestLog {
    static let entriesKept = 20_000

    struct Entry {
        /// Seconds since the emulation's start.
        var time: Double
        var route: String
        var client: String?
        /// Of the token: the first 8 hexadecimal digits of its SHA-256.
        var token: String?
        var endpoint: String?
        /// 0: the connection was cut instead.
        var status: Int
        /// Tasks that were submitted or asked for.
        var tasks: Int
        /// Whether a fault was asked for.
        var isFault: Bool
    }

    private var entries: [Entry] = []
    private var dropped = 0

    mutating func add(_ entry: Entry) {
        if entries.count >= Self.entriesKept {
            entries.removeFirst(Self.entriesKept / 2)
            dropped += Self.entriesKept / 2
        }
        entries.append(entry)
    }

    /// - Parameter since: seconds since the emulation's start; later ones are told.
    func json(since: Double) -> JSONValue {
        .array(
            entries.enumerated().filter { $0.element.time > since }.map { index, entry in
                [
                    "number": JSONValue(dropped + index), "time": JSONValue((entry.time * 1000).rounded() / 1000),
                    "route": .string(entry.route), "client": .optional(entry.client), "token": .optional(entry.token),
                    "endpoint": .optional(entry.endpoint), "status": JSONValue(entry.status),
                    "tasks": JSONValue(entry.tasks), "fault": .bool(entry.isFault),
                ]
            })
    }
}
