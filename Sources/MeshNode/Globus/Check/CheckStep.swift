/// One thing that `meshnode globus check` tried.
struct CheckStep: Encodable, Equatable, Sendable {
    /// `token`, `endpoint`, `functions`, `task`, `status`, `inference`.
    var step: String
    /// What it was tried on: a client's, an endpoint's or a model's name.
    var of: String
    var ok: Bool
    var seconds: Double
    /// What was found.
    var says: String
    /// What to do where it failed.
    var advice: String?

    /// For people, on one line, or two where something is to be done.
    var text: String {
        let milliseconds = Int((seconds * 1000).rounded())
        let digits = String(milliseconds % 1000)
        let time = "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - digits.count))\(digits) s"
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        let line =
            "\(ok ? "ok    " : "FAILED") \(padded(step, 10)) \(padded(time, 8)) \(Quoting.cut(of)): \(Quoting.cut(says, scalars: 300))\n"
        return line + (advice.map { "       → \(Quoting.cut($0, scalars: 500))\n" } ?? "")
    }
}

/// Why a step failed, and what to do.
struct CheckFailure: Error, Equatable {
    var says: String
    var advice: String?

    init(_ says: String, advice: String? = nil) {
        self.says = says
        self.advice = advice
    }
}
