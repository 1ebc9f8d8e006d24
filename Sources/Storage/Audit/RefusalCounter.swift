/// Puts repeated refusals together, so that a stranger who tries all day does not fill the disk: the first of a kind is written at
/// once, those within a minute after it as one entry with their number. Kinds that are told apart are few; all others share one.
///
/// At most `2 * (kindsToldApart + 1)` entries a minute come of it, whatever strangers do.
struct RefusalCounter: Sendable {
    private struct Key: Hashable, Sendable {
        let kind: AuditKind
        let actor: String
        let subject: String
    }

    private struct Window: Sendable {
        var until: UInt64
        /// Those after the first.
        var later: AuditEvent?
    }

    static let windowMilliseconds: UInt64 = 60_000
    static let kindsToldApart = 8

    private var windows: [Key: Window] = [:]
    private var others: Window?

    /// Whether something is counted that was not told yet, or may still be.
    var isEmpty: Bool { windows.isEmpty && others == nil }

    /// Takes a refusal.
    ///
    /// - Returns: what is to be written now.
    mutating func take(_ event: AuditEvent) -> [AuditEvent] {
        var due = settle(now: event.at)
        let key = Key(kind: event.kind, actor: event.actor, subject: event.subject)
        if var window = windows[key] {
            Self.count(event, in: &window)
            windows[key] = window
        } else if windows.count < Self.kindsToldApart {
            windows[key] = Window(until: event.at + Self.windowMilliseconds)
            due.append(event)
        } else if var window = others {
            Self.count(event, in: &window)
            window.later?.actor = "others"
            window.later?.subject = ""
            others = window
        } else {
            others = Window(until: event.at + Self.windowMilliseconds)
            due.append(event)
        }
        return due
    }

    /// Ends what is over.
    ///
    /// - Parameter now: milliseconds since 1970; `.max` ends all.
    /// - Returns: what is to be written, in a fixed order.
    mutating func settle(now: UInt64) -> [AuditEvent] {
        var due: [AuditEvent] = []
        // A clock that was set back ends windows too: none lasts longer than it should.
        func isOver(_ window: Window) -> Bool { now >= window.until || window.until - now > Self.windowMilliseconds }
        for (key, window) in windows where isOver(window) {
            windows[key] = nil
            if let later = window.later { due.append(later) }
        }
        if let window = others, isOver(window) {
            others = nil
            if let later = window.later { due.append(later) }
        }
        return due.sorted { ($0.firstAt, $0.actor) < ($1.firstAt, $1.actor) }
    }

    private static func count(_ event: AuditEvent, in window: inout Window) {
        guard var later = window.later else {
            window.later = event
            return
        }
        later.count += 1
        later.at = max(later.at, event.at)
        later.detail = event.detail
        window.later = later
    }
}
