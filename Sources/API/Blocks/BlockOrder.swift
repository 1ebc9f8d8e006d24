import FoundationEssentials
import Routing

/// What an operator asks to be blocked.
struct BlockOrder: Sendable, Equatable {
    var kind: BlockKind
    var subject: String
    var reason: String
    /// How long; nil: until it is lifted.
    var seconds: UInt64?

    /// Bytes of a request for one.
    static let bodyBytes = 8192
    static let secondsAllowed: ClosedRange<UInt64> = 1...315_360_000

    private struct Body: Decodable {
        var kind: String?
        var subject: String?
        var reason: String?
        var seconds: Double?
        var isolated: Bool?
    }

    /// Reads the body of `POST /mesh/blocks`.
    init(json: [UInt8]) throws(APIError) {
        let body = try Self.read(json)
        guard let kind = body.kind.flatMap({ BlockKind(rawValue: $0) }), kind != .isolation else {
            throw Self.refuse("kind", "kind takes peer, user, key or model")
        }
        guard let subject = body.subject, Self.isText(subject, Block.subjectBytes) else {
            throw Self.refuse("subject", "subject takes what is to be blocked, 1 to \(Block.subjectBytes) bytes")
        }
        self.init(
            kind: kind, subject: subject, reason: try Self.reason(body.reason), seconds: try Self.seconds(body.seconds))
    }

    /// Reads the body of `POST /mesh/isolate`; nil: the isolation is to end.
    static func isolation(json: [UInt8]) throws(APIError) -> BlockOrder? {
        let body = try read(json)
        guard let isolated = body.isolated else { throw refuse("isolated", "isolated takes true or false") }
        guard isolated else { return nil }
        return BlockOrder(
            kind: .isolation, subject: "", reason: try reason(body.reason), seconds: try seconds(body.seconds))
    }

    init(kind: BlockKind, subject: String, reason: String, seconds: UInt64? = nil) {
        self.kind = kind
        self.subject = subject
        self.reason = reason
        self.seconds = seconds
    }

    private static func read(_ json: [UInt8]) throws(APIError) -> Body {
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(json)) else {
            throw APIError(400, code: "invalid_json", "the body is no JSON object with the fields of a block")
        }
        return body
    }

    private static func reason(_ given: String?) throws(APIError) -> String {
        guard let given, isText(given, Block.reasonBytes) else {
            throw refuse("reason", "reason takes why, for other operators, 1 to \(Block.reasonBytes) bytes")
        }
        return given
    }

    private static func seconds(_ given: Double?) throws(APIError) -> UInt64? {
        guard let given else { return nil }
        guard given.isFinite, given >= Double(secondsAllowed.lowerBound), given <= Double(secondsAllowed.upperBound) else {
            throw refuse("seconds", "seconds takes \(secondsAllowed.lowerBound) to \(secondsAllowed.upperBound)")
        }
        return UInt64(given)
    }

    private static func isText(_ text: String, _ bytes: Int) -> Bool {
        (1...bytes).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    static func refuse(_ name: String, _ message: String) -> APIError {
        APIError(400, code: "invalid_parameter", parameter: name, message)
    }
}
