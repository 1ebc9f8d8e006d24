import Glibc

extension HTTPHead {
    /// Parses a head from the start of `bytes`.
    ///
    /// Call it again with more bytes (the same ones first, wherever they are now in memory): it goes on where it stopped
    /// and never looks twice at a line already parsed. Strict after RFC 9112: whatever two parsers could read in two
    /// ways is refused. After an error call `reset` before using the head again.
    /// - Returns: false while the head is incomplete.
    public mutating func parse(
        _ bytes: UnsafeRawBufferPointer, limits: HTTPLimits
    ) throws(HTTPSyntaxError) -> Bool {
        guard bytes.count > 0, let pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
        if phase == .complete { return true }
        if phase == .start, lineStart == 0, try !checkFirstByte(pointer, bytes.count) { return false }
        while let lineEnd = try nextLine(pointer, bytes.count, limits) {
            let start = lineStart
            lineStart = lineEnd &+ 2
            searched = lineStart
            if phase == .start {
                switch kind {
                case .request: try parseRequestLine(pointer, start, lineEnd)
                case .response: try parseStatusLine(pointer, start, lineEnd)
                }
                phase = .fields
            } else if start == lineEnd {
                try checkWhole()
                length = lineStart
                phase = .complete
                return true
            } else {
                try parseField(pointer, start, lineEnd, limits)
            }
        }
        return false
    }

    /// One CRLF before a request line is passed over (RFC 9112 §2.2); what then cannot begin a message is refused at
    /// once, without waiting for a line end that may never come (a TLS greeting on a plain port).
    private mutating func checkFirstByte(_ pointer: UnsafePointer<UInt8>, _ count: Int) throws(HTTPSyntaxError) -> Bool {
        var at = 0
        if kind == .request, pointer[0] == 13 {
            guard count > 1 else { return false }
            guard pointer[1] == 10 else { throw bad("a bare CR before the request line (RFC 9112 §2.2)") }
            guard count > 2 else { return false }
            at = 2
        }
        guard ByteClass.isToken(pointer[at]) else {
            throw bad(
                kind == .request ? "not the beginning of a request line (RFC 9112 §3)" : "not a status line (RFC 9112 §4)")
        }
        lineStart = at
        searched = at
        return true
    }

    /// Where the CR of the next whole line is; nil when its end has not come yet.
    @inline(__always)
    private mutating func nextLine(
        _ pointer: UnsafePointer<UInt8>, _ count: Int, _ limits: HTTPLimits
    ) throws(HTTPSyntaxError) -> Int? {
        let within = min(count, limits.headBytes)
        guard within > searched, let found = memchr(pointer + searched, 10, within &- searched) else {
            if count >= limits.headBytes { throw tooLarge() }
            searched = within
            return nil
        }
        let lineFeed = UnsafeRawPointer(found) - UnsafeRawPointer(pointer)
        guard lineFeed > lineStart, pointer[lineFeed &- 1] == 13 else {
            throw bad("a line ends in LF without CR (RFC 9112 §2.2)")
        }
        return lineFeed &- 1
    }

    private func tooLarge() -> HTTPSyntaxError {
        if kind == .response { return bad("the response head is too large") }
        return phase == .start
            ? HTTPSyntaxError(status: 414, reason: "the request line is too long")
            : HTTPSyntaxError(status: 431, reason: "the request head is too large")
    }

    /// A fault of the client in a request, of the server in a response.
    func bad(_ reason: String, status: Int = 400) -> HTTPSyntaxError {
        HTTPSyntaxError(status: kind == .request ? status : 502, reason: reason)
    }

    private mutating func parseField(
        _ pointer: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ limits: HTTPLimits
    ) throws(HTTPSyntaxError) {
        // 1) The name: token bytes up to the colon.
        var at = start
        while at &+ 8 <= end {
            let stops = EightBytes.notLetterOrHyphen(EightBytes.load(pointer + at))
            if stops == 0 { at &+= 8; continue }
            at &+= stops.trailingZeroBitCount &>> 3
            break
        }
        while ByteClass.isToken(pointer[at]) { at &+= 1 }  // ends at the CR at the latest
        guard pointer[at] == 0x3A, at > start else { throw badName(pointer, start, at) }
        let name = start..<at

        // 2) The value: anything but controls, without white space around it.
        var from = at &+ 1
        while pointer[from] == 32 || pointer[from] == 9 { from &+= 1 }
        var to = end
        while to > from, pointer[to &- 1] == 32 || pointer[to &- 1] == 9 { to &-= 1 }
        if to &- from >= 8 {
            // Whole words, the last of which may overlap the one before it.
            at = from
            while true {
                let word = EightBytes.load(pointer + at)
                if EightBytes.controls(word) | EightBytes.equal(word, 127) != 0 { try checkValue(pointer, at, at &+ 8) }
                if at == to &- 8 { break }
                at = min(at &+ 8, to &- 8)
            }
        } else {
            try checkValue(pointer, from, to)
        }

        // 3) Kept, and acted upon where it frames the message.
        guard fields.count < limits.fields else {
            throw bad("more than \(limits.fields) header fields", status: 431)
        }
        let known = HTTPFieldName.recognise(pointer + start, name.count)
        fields.append(HTTPField(name: known, nameRange: name, valueRange: from..<to))
        if known != .other { try note(known, pointer, from, to) }
    }

    @inline(__always)
    private func checkValue(_ pointer: UnsafePointer<UInt8>, _ from: Int, _ to: Int) throws(HTTPSyntaxError) {
        var at = from
        while at < to {
            if ByteClass.isForbiddenInValue(pointer[at]) {
                throw bad("a header value holds a control byte (RFC 9110 §5.5)")
            }
            at &+= 1
        }
    }

    private func badName(_ pointer: UnsafePointer<UInt8>, _ start: Int, _ at: Int) -> HTTPSyntaxError {
        switch pointer[at] {
        case 32, 9:
            at == start
                ? bad("a header line is folded (RFC 9112 §5.2)")
                : bad("white space before the colon of a header (RFC 9112 §5.1)")
        case 0x3A: bad("a header without a name (RFC 9112 §5)")
        case 13: bad("a header line without a colon (RFC 9112 §5)")
        default: bad("a byte not allowed in a header name (RFC 9110 §5.1)")
        }
    }
}
