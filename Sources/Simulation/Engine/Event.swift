/// Something that is due at a moment. Small and flat, since millions of them pass through the queue.
struct Event: Comparable {
    enum Kind: UInt8 {
        /// A machine asked to be called.
        case tick
        /// A request, or another copy of one, has reached a node.
        case request
        /// A reply has reached the node that asked.
        case reply
        /// The connection was refused or reset, as the node that asked learns now.
        case reset
        /// The node that asked waits no longer.
        case timeout
        /// A step of the scenario.
        case step
        /// A node starts for the first time.
        case boot
        /// A node that has left ends.
        case exit
        case renewal
        case load
        case storm
        case mischief
        /// Looks at what is not told by changes.
        case audit
    }

    var at: UInt64
    /// Events of one moment come in the order in which they were made.
    var order: UInt64 = 0
    var kind: Kind
    /// A slow node has taken its time for it.
    var isServed = false
    /// The node that it happens to; a step's index.
    var subject: Int32
    /// The exchange that it belongs to; -1: none.
    var flight: Int32 = -1
    /// The flight's tag, or the epoch of the node: what has changed since is not meant.
    var tag: UInt32 = 0

    init(_ kind: Kind, at: UInt64, subject: Int, flight: Int = -1, tag: UInt32 = 0) {
        self.at = at
        self.kind = kind
        self.subject = Int32(truncatingIfNeeded: subject)
        self.flight = Int32(truncatingIfNeeded: flight)
        self.tag = tag
    }

    static func < (a: Event, b: Event) -> Bool { a.at == b.at ? a.order < b.order : a.at < b.at }
    static func == (a: Event, b: Event) -> Bool { a.order == b.order }
}
