import CCurl

/// Which names and values may be sent (RFC 9110 §5).
enum WebFields {
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// Nothing that could end the field.
    static func isValue(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 32 && $0 != 127 || $0 == 9 } }

    static func equal(_ a: String, _ b: String) -> Bool { a.utf8.count == b.utf8.count && a.lowercased() == b.lowercased() }
}

/// Owns libcurl's list of a request's fields.
struct FieldList: ~Copyable {
    private(set) var head: UnsafeMutablePointer<curl_slist>?

    deinit { curl_slist_free_all(head) }

    /// - Returns: why they cannot be sent; the values themselves are not told.
    mutating func fill(_ fields: [(name: String, value: String)], _ settings: WebClientSettings) -> WebError? {
        for (name, value) in fields {
            guard WebFields.isToken(name) else { return .unsendable("a field's name is none") }
            guard WebFields.isValue(value) else {
                return .unsendable("the value of field \(name) holds a control character")
            }
            // libcurl drops a field without a value unless it is written this way.
            guard append(value.isEmpty ? "\(name);" : "\(name): \(value)") else { return .noMemory }
        }
        func has(_ name: String) -> Bool { fields.contains { WebFields.equal($0.name, name) } }
        if !has("User-Agent"), WebFields.isValue(settings.userAgent), !append("User-Agent: \(settings.userAgent)") {
            return .noMemory
        }
        // What libcurl would add by itself: a type that is not ours, and a question that costs a round trip.
        for name in ["Expect", "Content-Type"] where !has(name) {
            guard append("\(name):") else { return .noMemory }
        }
        return nil
    }

    private mutating func append(_ line: String) -> Bool {
        guard let longer = curl_slist_append(head, line) else { return false }
        head = longer
        return true
    }
}
