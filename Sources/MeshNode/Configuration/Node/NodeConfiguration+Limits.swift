/// How much a node takes on.
struct LimitConfiguration: Equatable, Sendable {
    /// The longest request body.
    var bodyBytes = 33_554_432
    /// Bodies held for replay, of all requests together.
    var heldBodiesBytes = 536_870_912
    /// Client connections open at once.
    var connections = 10_000
    /// Requests that wait for a slot, per model.
    var queueRequests = 256
    /// The longest wait for a slot.
    var queueSeconds = 30.0

    static let queueRequestsAllowed = 0...100_000
    static let queueSecondsAllowed = 0.0...3600.0
}

/// How long a node waits, in seconds.
struct TimeoutConfiguration: Equatable, Sendable {
    /// For a whole request head.
    var headSeconds = 15.0
    /// For each part of a request body.
    var bodySeconds = 60.0
    /// Between two requests of a kept connection.
    var idleSeconds = 75.0
    /// For a client to take what is written.
    var writeSeconds = 60.0
    /// For a connection to a server or node.
    var connectSeconds = 5.0
    /// For the first byte of a server's answer.
    var firstByteSeconds = 300.0
    /// Between two parts of a server's answer.
    var stallSeconds = 300.0
    /// For a model that is being started, where the client sets no deadline.
    var startSeconds = 60.0
    /// After which a client that waits for a stream of such a model gets a comment, and then again after each.
    var streamKeepAliveSeconds = 15.0
    /// Between two signs of life on a link to another node: less than half of the time after which proxies cut silent ones.
    var linkKeepAliveSeconds = 25.0
}

/// How servers are watched, in seconds.
struct HealthConfiguration: Equatable, Sendable {
    var intervalSeconds = 2.0
    var timeoutSeconds = 5.0
}

/// What is logged and how.
struct LogConfiguration: Equatable, Sendable {
    enum Level: String, CaseIterable, Sendable {
        case debug, info, warning, error
    }

    enum Format: String, CaseIterable, Sendable {
        case text, json
    }

    var level = Level.info
    var format = Format.text
}

extension LimitConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> LimitConfiguration {
        cursor.objectOrDefaults { fields in
            let own = LimitConfiguration()
            let limits = LimitConfiguration(
                bodyBytes: fields["bodyBytes"].size(in: 1024...1_073_741_824, default: own.bodyBytes),
                heldBodiesBytes: fields["heldBodiesBytes"].size(in: 1024...1_099_511_627_776, default: own.heldBodiesBytes),
                connections: fields["connections"].integer(in: 1...1_000_000, default: own.connections),
                queueRequests: fields["queueRequests"].integer(in: queueRequestsAllowed, default: own.queueRequests),
                queueSeconds: fields["queueSeconds"].duration(in: queueSecondsAllowed, default: own.queueSeconds))
            if limits.heldBodiesBytes < limits.bodyBytes {
                let given = fields["heldBodiesBytes"].isPresent ? fields["heldBodiesBytes"] : fields["bodyBytes"]
                given.fail(
                    "heldBodiesBytes is \(limits.heldBodiesBytes), bodyBytes \(limits.bodyBytes); "
                        + "allowed: room for at least one whole body")
            }
            return limits
        }
    }
}

extension TimeoutConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> TimeoutConfiguration {
        cursor.objectOrDefaults { fields in
            let own = TimeoutConfiguration()
            return TimeoutConfiguration(
                headSeconds: fields["headSeconds"].duration(in: 0.1...300, default: own.headSeconds),
                bodySeconds: fields["bodySeconds"].duration(in: 0.1...3600, default: own.bodySeconds),
                idleSeconds: fields["idleSeconds"].duration(in: 0.1...3600, default: own.idleSeconds),
                writeSeconds: fields["writeSeconds"].duration(in: 0.1...3600, default: own.writeSeconds),
                connectSeconds: fields["connectSeconds"].duration(in: 0.1...60, default: own.connectSeconds),
                firstByteSeconds: fields["firstByteSeconds"].duration(in: 0.1...86400, default: own.firstByteSeconds),
                stallSeconds: fields["stallSeconds"].duration(in: 0.1...86400, default: own.stallSeconds),
                startSeconds: fields["startSeconds"].duration(in: 0...3600, default: own.startSeconds),
                streamKeepAliveSeconds: fields["streamKeepAliveSeconds"].duration(
                    in: 0.1...300, default: own.streamKeepAliveSeconds),
                linkKeepAliveSeconds: fields["linkKeepAliveSeconds"].duration(
                    in: 0.1...300, default: own.linkKeepAliveSeconds))
        }
    }
}

extension HealthConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> HealthConfiguration {
        cursor.objectOrDefaults { fields in
            let own = HealthConfiguration()
            return HealthConfiguration(
                intervalSeconds: fields["intervalSeconds"].duration(in: 0.1...300, default: own.intervalSeconds),
                timeoutSeconds: fields["timeoutSeconds"].duration(in: 0.1...60, default: own.timeoutSeconds))
        }
    }
}

extension LogConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> LogConfiguration {
        cursor.objectOrDefaults { fields in
            LogConfiguration(
                level: fields["level"].enumeration(Level.self, default: .info),
                format: fields["format"].enumeration(Format.self, default: .text))
        }
    }
}
