/// One thing that `meshnode doctor` looked at.
struct Finding: Encodable, Equatable, Sendable {
    enum Level: String, Encodable, Sendable {
        case ok, warn, fail
    }

    var level: Level
    /// `openssl`, `fips`, `clock`, `state`, `limits`, `certificate`, `authority`, `tls`, `port`, `seed`, `dial-back`, `backend`, `globus`
    /// or `proxy`.
    var name: String
    /// What was found.
    var what: String
    /// What to do about it.
    var advice: String?

    static func ok(_ name: String, _ what: String) -> Finding { Finding(level: .ok, name: name, what: what) }
    static func warn(_ name: String, _ what: String, _ advice: String? = nil) -> Finding {
        Finding(level: .warn, name: name, what: what, advice: advice)
    }
    static func fail(_ name: String, _ what: String, _ advice: String? = nil) -> Finding {
        Finding(level: .fail, name: name, what: what, advice: advice)
    }

    /// For people, on one line.
    var text: String {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        let todo = advice.map { "  -> \(Quoting.cut($0, scalars: 500))" } ?? ""
        return "\(padded(level.rawValue, 5)) \(padded(name, 12)) \(Quoting.cut(what, scalars: 500))\(todo)\n"
    }
}
