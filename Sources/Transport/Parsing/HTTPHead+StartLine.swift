extension HTTPHead {
    /// `method SP request-target SP HTTP-version` (RFC 9112 §3), single spaces and nothing besides.
    mutating func parseRequestLine(_ pointer: UnsafePointer<UInt8>, _ start: Int, _ end: Int) throws(HTTPSyntaxError) {
        var at = start
        while ByteClass.isToken(pointer[at]) { at &+= 1 }
        guard at > start, pointer[at] == 32 else { throw bad("the method is not a token (RFC 9112 §3.1)") }
        methodRange = start..<at
        method = Self.method(pointer + start, at &- start)

        let from = at &+ 1
        at = from
        while pointer[at] &- 0x21 < 0x7F - 0x21 { at &+= 1 }
        guard at > from, pointer[at] == 32 else {
            throw bad("the request target is empty or holds a byte that a URI must escape (RFC 9112 §3.2)")
        }
        target = from..<at
        try parseVersion(pointer, at &+ 1, end)
        try checkTarget(pointer + from, at &- from)
    }

    /// `HTTP-version SP status-code [SP reason]` (RFC 9112 §4). Some servers leave out the space after the code.
    mutating func parseStatusLine(_ pointer: UnsafePointer<UInt8>, _ start: Int, _ end: Int) throws(HTTPSyntaxError) {
        guard end &- start >= 12, pointer[start &+ 8] == 32 else { throw bad("not a status line (RFC 9112 §4)") }
        try parseVersion(pointer, start, start &+ 8)
        var code = 0
        for at in (start &+ 9)..<(start &+ 12) {
            guard ByteClass.isDigit(pointer[at]) else { throw bad("the status is not three digits (RFC 9112 §4)") }
            code = code &* 10 &+ Int(pointer[at] &- 48)
        }
        guard 100...599 ~= code, end == start &+ 12 || pointer[start &+ 12] == 32 else {
            throw bad("the status is not three digits from 100 to 599 (RFC 9110 §15)")
        }
        for at in (start &+ 12)..<end where ByteClass.isForbiddenInValue(pointer[at]) {
            throw bad("a control byte in the reason phrase (RFC 9112 §4)")
        }
        status = code
    }

    private mutating func parseVersion(
        _ pointer: UnsafePointer<UInt8>, _ start: Int, _ end: Int
    ) throws(HTTPSyntaxError) {
        let expected: StaticString = "HTTP/"
        guard end &- start == 8 else { throw bad("not an HTTP version (RFC 9112 §2.3)") }
        for at in 0..<5 where pointer[start &+ at] != expected.utf8Start[at] {
            throw bad("not an HTTP version (RFC 9112 §2.3)")
        }
        let major = pointer[start &+ 5], minor = pointer[start &+ 7]
        guard ByteClass.isDigit(major), pointer[start &+ 6] == 0x2E, ByteClass.isDigit(minor) else {
            throw bad("not an HTTP version (RFC 9112 §2.3)")
        }
        guard major == 0x31, minor <= 0x31 else {
            throw bad("only HTTP/1.0 and HTTP/1.1 are spoken here", status: 505)
        }
        minorVersion = Int(minor &- 48)
    }

    private static func method(_ pointer: UnsafePointer<UInt8>, _ count: Int) -> HTTPMethod {
        @inline(__always)
        func named(_ word: StaticString) -> Bool {
            for at in 0..<count where pointer[at] != word.utf8Start[at] { return false }
            return true
        }
        switch count {
        case 3: return named("GET") ? .get : named("PUT") ? .put : .other
        case 4: return named("POST") ? .post : named("HEAD") ? .head : .other
        case 5: return named("PATCH") ? .patch : .other
        case 6: return named("DELETE") ? .delete : .other
        case 7: return named("OPTIONS") ? .options : .other
        default: return .other
        }
    }

    /// Origin form, absolute form, or `*` with OPTIONS; never a fragment, never an authority (RFC 9112 §3.2).
    private func checkTarget(_ pointer: UnsafePointer<UInt8>, _ count: Int) throws(HTTPSyntaxError) {
        for at in 0..<count where pointer[at] == 0x23 {
            throw bad("a fragment in the request target (RFC 9112 §3.2)")
        }
        if pointer[0] == 0x2F { return }
        if count == 1, pointer[0] == 0x2A, method == .options { return }
        var authority = 0
        if count > 7, equalsIgnoringCase(pointer, 7, "http://") { authority = 7 }
        if count > 8, equalsIgnoringCase(pointer, 8, "https://") { authority = 8 }
        guard authority > 0 else {
            throw bad("the request target is neither a path nor an absolute URI (RFC 9112 §3.2)")
        }
        var end = authority
        while end < count, pointer[end] != 0x2F, pointer[end] != 0x3F { end &+= 1 }
        guard Self.isHost(pointer + authority, end &- authority) else {
            throw bad("the request target names no valid host (RFC 9110 §4.2)")
        }
    }
}
