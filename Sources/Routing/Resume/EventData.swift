/// The events of whole server-sent events, one after another (WHATWG HTML §9.2.6).
struct EventData {
    struct Event {
        /// With the blank line that ends it.
        var bytes: UnsafeRawBufferPointer
        /// What stands behind its first `data:`; nil where there is none, as in comments.
        var data: UnsafeRawBufferPointer?
        /// More than one line has data.
        var isSplit = false
        /// There is nothing in it.
        var isBlank = true
    }

    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> Event? {
        guard at < bytes.count else { return nil }
        let start = at
        var event = Event(bytes: bytes)
        while at < bytes.count {
            let line = nextLine()
            if line.isEmpty { break }
            event.isBlank = false
            guard line.starts(with: "data:".utf8) else { continue }
            let skipped = line.count > 5 && line[5] == 0x20 ? 6 : 5
            if event.data == nil {
                event.data = UnsafeRawBufferPointer(rebasing: line[skipped...])
            } else {
                event.isSplit = true
            }
        }
        event.bytes = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
        return event
    }

    /// Without its end: LF, CRLF or CR.
    private mutating func nextLine() -> UnsafeRawBufferPointer {
        let end = bytes[at...].firstIndex { $0 == 10 || $0 == 13 } ?? bytes.count
        let line = UnsafeRawBufferPointer(rebasing: bytes[at..<end])
        at = end + 1
        if end < bytes.count, bytes[end] == 13, at < bytes.count, bytes[at] == 10 { at += 1 }
        at = min(at, bytes.count)
        return line
    }
}
