import Routing

/// How many requests of a model run and wait, and in what order they do.
struct AdmissionConfiguration: Equatable, Sendable {
    /// Requests that wait for a slot, and the longest wait; nil: as `limits` says for every model.
    var queueRequests: Int?
    var queueSeconds: Double?
    /// Of all tokens, what batch requests get while interactive ones wait.
    var batchShare: Double?
    /// Whether the number of requests at once is found from the time to their first token; nil: where it is not told.
    var feedback: Bool?
    /// The most that may be found, where neither `slots` nor the server says how many there are.
    var mostSlots: Int?

    static let batchShareAllowed = 0.0...0.9
    static let mostSlotsAllowed = 1...100_000

    static func decode(_ cursor: ConfigurationCursor) -> AdmissionConfiguration {
        cursor.objectOrDefaults { fields in
            AdmissionConfiguration(
                queueRequests: fields["queueRequests"].optional { $0.integer(in: LimitConfiguration.queueRequestsAllowed) },
                queueSeconds: fields["queueSeconds"].optional {
                    $0.duration(in: LimitConfiguration.queueSecondsAllowed, default: 0)
                },
                batchShare: fields["batchShare"].optional { $0.number(in: batchShareAllowed) },
                feedback: fields["feedback"].optional { $0.boolean(default: false) },
                mostSlots: fields["mostSlots"].optional { $0.integer(in: mostSlotsAllowed) })
        }
    }

    func render(_ out: inout ConfigurationWriter) {
        guard self != AdmissionConfiguration() else { return }
        out.object("admission") { out in
            out.field("queueRequests", queueRequests.map { .integer($0) })
            out.field("queueSeconds", queueSeconds.map { .number($0) })
            out.field("batchShare", batchShare.map { .number($0) })
            if let feedback { out.line("feedback: \(feedback),") }
            out.field("mostSlots", mostSlots.map { .integer($0) })
        }
    }
}

extension Gate.Settings {
    /// - Parameter measures: its answers come straight from a server, so that the time to the first token tells how busy that is.
    init(_ admission: AdmissionConfiguration, _ limits: LimitConfiguration, measures: Bool = false) {
        self.init()
        queueLimit = admission.queueRequests ?? limits.queueRequests
        queueNanoseconds = nanoseconds(admission.queueSeconds ?? limits.queueSeconds)
        batchShare = admission.batchShare ?? batchShare
        mostSlots = admission.mostSlots ?? mostSlots
        switch admission.feedback {
        case true?: feedback = .on
        case false?: feedback = .off
        case nil: feedback = measures ? .whereUnknown : .off
        }
    }
}
