import FoundationEssentials

/// `meshnode block`, `unblock`, `blocks`, `isolate`: what an operator switches off at one node, alone and at once.
enum BlockCommands {
    private static let path = "/mesh/blocks"

    private struct Order: Encodable {
        var kind: String?
        var subject: String?
        var isolated: Bool?
        var reason: String?
        var seconds: Int?
    }

    struct Entry: Decodable {
        var id: String
        var kind: String
        var subject: String
        var reason: String
        var by: String
        var at: String
        var until: String?
    }

    private struct Entries: Decodable {
        var isolated: Bool
        var blocks: [Entry]
    }

    static func block(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let kind = invocation.positional(CommandSpecification.blockKind) ?? ""
        guard ["peer", "user", "key", "model"].contains(kind) else {
            throw CommandFailure(
                exitCode: 2, message: "block: found \(Quoting.excerpt(kind)); allowed: peer, user, key, model")
        }
        let order = Order(
            kind: kind, subject: invocation.positional(CommandSpecification.blockSubject),
            reason: try reason(invocation, "block"), seconds: try seconds(invocation, "block"))
        let body = try NodeClient(invocation).get(path, method: "POST", json: Array(try encode(order).utf8))
        try show(body, invocation, "blocked")
    }

    static func isolate(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        var order = Order(isolated: !invocation.flag(.off))
        if !invocation.flag(.off) {
            order.reason = try reason(invocation, "isolate")
            order.seconds = try seconds(invocation, "isolate")
        }
        let body = try NodeClient(invocation).get("/mesh/isolate", method: "POST", json: Array(try encode(order).utf8))
        if invocation.flag(.off), !invocation.flag(.json) { return Output.write("no longer isolated\n") }
        try show(body, invocation, "isolated")
    }

    static func unblock(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let client = try NodeClient(invocation)
        let what = invocation.positional(CommandSpecification.blockOrKind) ?? ""
        var id = what
        if let subject = invocation.positional(CommandSpecification.unblockSubject) {
            let found = try decode(Entries.self, client.get(path)).blocks
            guard let block = found.first(where: { $0.kind == what && $0.subject.lowercased() == subject.lowercased() })
            else {
                throw CommandFailure(
                    exitCode: 1, message: "no block on \(Quoting.cut(what)) \(Quoting.cut(subject)) is in force there")
            }
            id = block.id
        }
        let body = try client.get("\(path)/\(NodeClient.encoded(id))", method: "DELETE")
        try show(body, invocation, "unblocked")
    }

    static func list(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let body = try NodeClient(invocation).get(path)
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        let found = try decode(Entries.self, body)
        var table = Table(["ID", "KIND", "SUBJECT", "SINCE", "UNTIL", "BY", "REASON"])
        for block in found.blocks {
            table.add([
                block.id, block.kind, block.subject.isEmpty ? "-" : block.subject, block.at, block.until ?? "-", block.by,
                block.reason,
            ])
        }
        Output.write(table.isEmpty ? "nothing is blocked\n" : table.text)
    }

    private static func show(_ body: [UInt8], _ invocation: Invocation, _ verb: String) throws(CommandFailure) {
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        let block = try decode(Entry.self, body)
        let until = block.until.map { " until \(Quoting.cut($0))" } ?? ""
        let what = block.kind == "isolation" ? "" : " \(Quoting.cut(block.kind)) \(Quoting.cut(block.subject))"
        Output.write("\(verb)\(what)\(verb == "unblocked" ? "" : until) (block \(Quoting.cut(block.id)))\n")
    }

    private static func reason(_ invocation: Invocation, _ command: String) throws(CommandFailure) -> String {
        guard let reason = invocation.text(.blockReason) else {
            throw CommandFailure(exitCode: 2, message: "\(command): --reason TEXT is missing: why, for the other operators")
        }
        return reason
    }

    private static func seconds(_ invocation: Invocation, _ command: String) throws(CommandFailure) -> Int? {
        guard let text = invocation.text(.duration) else { return nil }
        guard let seconds = Duration.seconds(text) else {
            throw CommandFailure(
                exitCode: 2,
                message: "\(command): --for: found \(Quoting.excerpt(text)); allowed: such as 90s, 30m, 2h or 7d")
        }
        return seconds
    }
}

/// Lengths of time as people type them.
enum Duration {
    /// `90s`, `30m`, `2h`, `7d`; nil for anything else, for nothing, and beyond ten years.
    static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let last = text.last, let unit = units[last] else { return nil }
        let digits = text.dropLast()
        guard (1...9).contains(digits.count), digits.utf8.allSatisfy({ (48...57).contains($0) }), let count = Int(digits),
            (1...315_360_000).contains(count * unit)
        else { return nil }
        return count * unit
    }
}
