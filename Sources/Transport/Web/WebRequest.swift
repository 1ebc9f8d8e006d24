/// One call to the outside world: Globus Auth, Globus Compute, Groups.
public struct WebRequest: Sendable {
    public var method: String
    /// `http` or `https`, absolute, without user and password.
    public var url: String
    /// Values are not logged: they hold secrets.
    public var fields: [(name: String, value: String)]
    public var body: [UInt8]?
    /// From the call to the answer's last byte.
    public var timeoutSeconds: Double
    /// The longest answer that is read.
    public var answerBytes: Int

    public init(
        method: String = "GET", url: String, fields: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        timeoutSeconds: Double = 30, answerBytes: Int = 16 << 20
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.timeoutSeconds = timeoutSeconds
        self.answerBytes = answerBytes
    }
}

/// A whole answer.
public struct WebAnswer: Sendable {
    public var status: Int
    /// Names in lower case.
    public var fields: [(name: String, value: String)]
    public var body: [UInt8]

    public init(status: Int, fields: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// The first field of a name, which is given in lower case.
    public func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}
