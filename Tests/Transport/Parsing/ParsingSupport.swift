import Testing
import Transport

/// What became of parsing one head, in a form that can be compared.
enum HeadOutcome: Equatable, CustomStringConvertible {
    case complete(length: Int, fields: [String], body: String)
    case incomplete
    case refused(Int)

    var description: String {
        switch self {
        case .complete(let length, let fields, let body): "complete \(length) \(fields) \(body)"
        case .incomplete: "incomplete"
        case .refused(let status): "refused \(status)"
        }
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Parses prefixes of growing length with one head, each from another place in memory, as a connection would.
func parseHead(
    _ kind: HTTPHead.Kind, _ input: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()
) -> HeadOutcome {
    var head = HTTPHead(kind)
    for cut in cuts + [input.count] {
        let prefix = Array(input[..<cut])
        do throws(HTTPSyntaxError) {
            if try parse(&head, prefix, limits) { return outcome(head, prefix) }
        } catch {
            return .refused(error.status)
        }
    }
    return .incomplete
}

private func parse(_ head: inout HTTPHead, _ input: [UInt8], _ limits: HTTPLimits) throws(HTTPSyntaxError) -> Bool {
    var result = Result<Bool, HTTPSyntaxError>.success(false)
    input.withUnsafeBytes { raw in
        do throws(HTTPSyntaxError) { result = .success(try head.parse(raw, limits: limits)) } catch {
            result = .failure(error)
        }
    }
    return try result.get()
}

private func outcome(_ head: borrowing HTTPHead, _ input: [UInt8]) -> HeadOutcome {
    func text(_ range: Range<Int>) -> String { String(decoding: input[range], as: UTF8.self) }
    var fields: [String] = []
    for field in head.fields { fields.append("\(text(field.nameRange)):\(text(field.valueRange))") }
    let body =
        "\(text(head.methodRange)) \(text(head.target)) 1.\(head.minorVersion) \(head.status) "
        + "\(head.contentLength ?? -1) \(head.isChunked) \(head.keepAlive) \(head.expectsContinue)"
    return .complete(length: head.length, fields: fields, body: body)
}

/// A seeded generator (SplitMix64), so that a failing run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
