extension HTTPHead {
    /// Acts on a field that decides where the message ends, who it is for, or whether the connection stays.
    mutating func note(
        _ name: HTTPFieldName, _ pointer: UnsafePointer<UInt8>, _ from: Int, _ to: Int
    ) throws(HTTPSyntaxError) {
        let bit: UInt64 = 1 &<< UInt64(name.rawValue)
        let repeated = present & bit != 0
        present |= bit
        switch name {
        case .contentLength:
            guard !repeated else { throw bad("two Content-Length fields (RFC 9112 §6.3)") }
            contentLength = try length(pointer, from, to)
        case .transferEncoding:
            guard !repeated, equalsIgnoringCase(pointer + from, to &- from, "chunked") else {
                throw bad("a Transfer-Encoding other than exactly one `chunked` (RFC 9112 §6.1)")
            }
            isChunked = true
        case .host:
            guard kind == .request else { return }
            guard !repeated else { throw bad("two Host fields (RFC 9112 §3.2)") }
            guard Self.isHost(pointer + from, to &- from) else {
                throw bad("the Host field names no valid host (RFC 9112 §3.2)")
            }
        case .authorization:
            // Two could be read as two users by two parsers.
            if repeated, kind == .request { throw bad("two Authorization fields (RFC 9110 §5.3)") }
        case .connection: noteConnection(pointer, from, to)
        case .expect:
            guard kind == .request, minorVersion == 1 else { return }
            guard equalsIgnoringCase(pointer + from, to &- from, "100-continue") else {
                throw bad("an expectation other than 100-continue (RFC 9110 §10.1.1)", status: 417)
            }
            expectsContinue = true
        default: break
        }
    }

    /// What only the complete head can show.
    func checkWhole() throws(HTTPSyntaxError) {
        if isChunked {
            guard contentLength == nil else {
                throw bad("both Content-Length and Transfer-Encoding (RFC 9112 §6.3)")
            }
            guard minorVersion == 1 else { throw bad("Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)") }
        }
        if kind == .request, minorVersion == 1, first(.host) == nil {
            throw bad("no Host field (RFC 9112 §3.2)")
        }
    }

    private func length(_ pointer: UnsafePointer<UInt8>, _ from: Int, _ to: Int) throws(HTTPSyntaxError) -> Int {
        // Fifteen digits are a petabyte, and can never overflow.
        guard to > from, to &- from <= 15 else { throw bad("the Content-Length is empty or too long (RFC 9112 §6.3)") }
        var value = 0
        for at in from..<to {
            guard ByteClass.isDigit(pointer[at]) else { throw bad("the Content-Length is not a number (RFC 9112 §6.3)") }
            value = value &* 10 &+ Int(pointer[at] &- 48)
        }
        return value
    }

    private mutating func noteConnection(_ pointer: UnsafePointer<UInt8>, _ from: Int, _ to: Int) {
        var close = false, keep = false, others = false
        Self.eachListElement(pointer, from..<to) { element, count in
            if equalsIgnoringCase(element, count, "close") {
                close = true
            } else if equalsIgnoringCase(element, count, "keep-alive") {
                keep = true
            } else {
                others = true
            }
        }
        connectionClose = connectionClose || close
        connectionKeepAlive = connectionKeepAlive || keep
        connectionNamesOthers = connectionNamesOthers || others
    }

    /// The elements of a comma-separated list, without the white space around them; empty ones are passed over.
    static func eachListElement(
        _ pointer: UnsafePointer<UInt8>, _ range: Range<Int>, _ body: (UnsafePointer<UInt8>, Int) -> Void
    ) {
        var at = range.lowerBound
        while at < range.upperBound {
            var end = at
            while end < range.upperBound, pointer[end] != 0x2C { end &+= 1 }
            let next = end &+ 1
            while at < end, pointer[at] == 32 || pointer[at] == 9 { at &+= 1 }
            while end > at, pointer[end &- 1] == 32 || pointer[end &- 1] == 9 { end &-= 1 }
            if end > at { body(pointer + at, end &- at) }
            at = next
        }
    }

    /// `uri-host [ ":" port ]` (RFC 9110 §7.2): a registered name or IPv4 address, or an IPv6 address in brackets; no
    /// user information, no list.
    static func isHost(_ pointer: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard count > 0, count <= 255 + 6 else { return false }
        var at = 0
        if pointer[0] == 0x5B {
            at = 1
            while at < count, ByteClass.hexDigit(pointer[at]) != nil || pointer[at] == 0x3A || pointer[at] == 0x2E {
                at &+= 1
            }
            guard at > 2, at < count, pointer[at] == 0x5D else { return false }
            at &+= 1
        } else {
            while at < count, isNameByte(pointer[at]) { at &+= 1 }
            guard at > 0 else { return false }
        }
        if at == count { return true }
        guard pointer[at] == 0x3A, count &- at <= 6 else { return false }
        var port = 0
        for index in (at &+ 1)..<max(count, at &+ 1) {
            guard ByteClass.isDigit(pointer[index]) else { return false }
            port = port &* 10 &+ Int(pointer[index] &- 48)
        }
        return port <= 65_535
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        case 0x2D, 0x2E, 0x5F, 0x7E, 0x25: true  // - . _ ~ %
        case 0x21, 0x24, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B, 0x3B, 0x3D: true  // sub-delims without the comma
        default: false
        }
    }
}
