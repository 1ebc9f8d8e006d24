/// The cursor under `JSONScanner` and `InferenceBody`: steps over one JSON value after another, validating each.
struct JSONWalker {
    let pointer: UnsafePointer<UInt8>
    var at: Int
    let end: Int
    /// Looks, while set, at what chat messages are made of: notes images and the bytes of embedded files.
    var watching = false
    var sawImage = false
    var embeddedBytes = 0
    var embeddedFiles = 0

    init(pointer: UnsafePointer<UInt8>, at: Int, end: Int) {
        self.pointer = pointer
        self.at = at
        self.end = end
    }

    func fail(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(offset: at, reason: reason) }

    @inline(__always)
    mutating func skipSpace() {
        while at < end {
            let byte = pointer[at]
            guard byte <= 32, byte == 32 || byte == 10 || byte == 13 || byte == 9 else { return }
            at &+= 1
        }
    }

    /// The kind of the value that begins here.
    var kind: JSONKind {
        guard at < end else { return .null }
        switch pointer[at] {
        case 0x7B: return .object
        case 0x5B: return .array
        case 0x22: return .string
        case 0x74, 0x66: return .bool
        case 0x6E: return .null
        default: return .number
        }
    }

    /// At the beginning of a text that must be one object: steps inside. False: it is empty.
    mutating func openWholeObject() throws(JSONSyntaxError) -> Bool {
        skipSpace()
        guard at < end, pointer[at] == 0x7B else { throw fail("not a JSON object") }
        at &+= 1
        skipSpace()
        guard at < end else { throw fail("the JSON ends inside an object") }
        if pointer[at] == 0x7D {
            at &+= 1
            return false
        }
        return true
    }

    /// A key and its colon, up to the beginning of the value.
    @inline(__always)
    mutating func key() throws(JSONSyntaxError) -> Range<Int> {
        guard at < end, pointer[at] == 0x22 else { throw fail("a key in double quotes should be here") }
        let key = try string()
        skipSpace()
        guard at < end, pointer[at] == 0x3A else { throw fail("a colon should follow the key") }
        at &+= 1
        skipSpace()
        return key
    }

    /// After a value in an object: true at the next key, false behind the closing brace.
    mutating func nextMember() throws(JSONSyntaxError) -> Bool {
        skipSpace()
        guard at < end else { throw fail("the JSON ends inside an object") }
        let byte = pointer[at]
        at &+= 1
        if byte == 0x7D { return false }
        guard byte == 0x2C else {
            at &-= 1
            throw fail("a comma or a closing brace should be here")
        }
        skipSpace()
        return true
    }

    mutating func finish() throws(JSONSyntaxError) {
        skipSpace()
        guard at == end else { throw fail("more bytes after the end of the JSON object") }
    }

    /// Steps over one value that stands inside `depth` others. Its own containers are a stack of bits, one for each
    /// level (1: object), so that hostile nesting costs no stack.
    mutating func value(depth: Int) throws(JSONSyntaxError) {
        var stack: UInt128 = 0
        var level = depth
        var key = 0..<0
        while true {
            // 1) A value begins here.
            guard at < end else { throw fail("the JSON ends where a value should be") }
            let byte = pointer[at]
            switch byte {
            case 0x22:
                let string = try string()
                if watching { watch(key, string) }
            case 0x7B, 0x5B:
                guard level < JSONScanner.depthLimit else { throw fail("JSON nested more than 128 deep") }
                if watching, isWord(key, "image_url") { sawImage = true }
                at &+= 1
                skipSpace()
                guard at < end else { throw fail("the JSON ends inside an array or object") }
                if pointer[at] == byte &+ 2 {  // the closing bracket is two after the opening one
                    at &+= 1
                } else {
                    level &+= 1
                    stack = stack &<< 1 | (byte == 0x7B ? 1 : 0)
                    key = byte == 0x7B ? try self.key() : 0..<0
                    continue
                }
            case 0x2D, 0x30...0x39: try number()
            case 0x74: try literal("true")
            case 0x66: try literal("false")
            case 0x6E: try literal("null")
            default: throw fail("no JSON value begins with this byte")
            }
            // 2) It has ended; so may the containers around it.
            while true {
                if level == depth { return }
                skipSpace()
                guard at < end else { throw fail("the JSON ends inside an array or object") }
                let inObject = stack & 1 != 0
                let next = pointer[at]
                if next == 0x2C {
                    at &+= 1
                    skipSpace()
                    if inObject { key = try self.key() }
                    break
                }
                guard next == (inObject ? 0x7D : 0x5D) else { throw fail("a comma or a closing bracket should be here") }
                at &+= 1
                level &-= 1
                stack = stack &>> 1
            }
        }
    }
}
