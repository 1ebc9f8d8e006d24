import Routing

/// `meshnode receipts`: where requests went, and why; with an id, one in words, or chosen again.
enum ReceiptsCommand {
    private struct List: Decodable {
        struct Entry: Decodable {
            var id: UInt64
            var at: String
            var model: String
            var user: String
            var site: String?
            var reason: String?
            var tries: Int
            var bounces: Int
            var outcome: String
        }
        var receipts: [Entry]
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        guard let id = invocation.positional(CommandSpecification.receipt) else { return try list(invocation) }
        let given = filters.compactMap { invocation.text($0.option) == nil ? nil : $0.option.name }
        guard given.isEmpty else {
            throw CommandFailure(
                exitCode: 2,
                message: "receipts: ID and \(given.joined(separator: ", ")) are both given; allowed: one of them")
        }
        let body = try NodeClient(invocation).get("/mesh/receipts/\(NodeClient.encoded(id))")
        if invocation.flag(.replay) { return try replay(body, invocation) }
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        Output.write(try receipt(body).story)
    }

    /// The options that a list is made by, and the parameters that they become.
    private static let filters: [(option: OptionSpecification, parameter: String)] = [
        (.receiptModel, "model"), (.receiptSite, "site"), (.receiptReason, "reason"), (.receiptOutcome, "outcome"),
        (.receiptSince, "since"),
    ]

    private static func list(_ invocation: Invocation) throws(CommandFailure) {
        guard !invocation.flag(.replay) else {
            throw CommandFailure(exitCode: 2, message: "receipts: --replay needs the ID of one")
        }
        var query = "limit=\(invocation.integer(.receiptLimit) ?? 20)"
        for (option, parameter) in filters {
            if let value = invocation.text(option) { query += "&\(parameter)=\(NodeClient.encoded(value))" }
        }
        let body = try NodeClient(invocation).get("/mesh/receipts?\(query)")
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        var table = Table(["ID", "AT", "MODEL", "USER", "SITE", "REASON", "TRIES", "BOUNCES", "OUTCOME"])
        for entry in try decode(List.self, body).receipts {
            table.add([
                "\(entry.id)", entry.at, entry.model, entry.user, entry.site ?? "-", entry.reason ?? "-", "\(entry.tries)",
                "\(entry.bounces)", Quoting.cut(entry.outcome, scalars: 100),
            ])
        }
        Output.write(table.isEmpty ? "no receipts\n" : table.text)
    }

    private static func receipt(_ body: [UInt8]) throws(CommandFailure) -> Receipt {
        do {
            return try Receipt(json: body)
        } catch {
            throw CommandFailure(
                exitCode: 1,
                message: "the receipt is not understood: another version of meshnode wrote it; --json shows it as it is")
        }
    }

    // MARK: Again

    private struct Replayed: Encodable {
        var id: UInt64
        var same: Bool
        var steps: Int
        /// Of each step, the place that was picked, and that is picked now.
        var picked: [String?]
        var replayed: [String?]
    }

    /// Chooses again, here, by nothing but the receipt.
    private static func replay(_ body: [UInt8], _ invocation: Invocation) throws(CommandFailure) {
        let receipt = try receipt(body)
        guard let decision = receipt.decision, decision.isSound else {
            throw CommandFailure(
                exitCode: 1, message: "receipt \(receipt.id) holds no choices that this version can make again")
        }
        let again = decision.replay()
        let was = decision.steps.map(\.picked)
        if invocation.flag(.json) {
            Output.write(
                try encode(
                    Replayed(
                        id: receipt.id, same: was == again, steps: was.count,
                        picked: was.enumerated().map { decision.name($1, $0) },
                        replayed: again.enumerated().map { decision.name($1, $0) })))
        } else {
            for (number, pair) in zip(was, again).enumerated() {
                let (old, new) = (
                    decision.name(pair.0, number) ?? "nothing left", decision.name(pair.1, number) ?? "nothing left"
                )
                Output.write("\(number + 1). \(pair.0 == pair.1 ? "the same: \(old)" : "\(old); now it would be \(new)")\n")
            }
        }
        guard was == again else {
            throw CommandFailure(
                exitCode: 1, message: "receipt \(receipt.id) does not replay: the choice is not what it was")
        }
        if !invocation.flag(.json) {
            Output.write(
                "receipt \(receipt.id) replays: \(was.count == 1 ? "one choice" : "\(was.count) choices"), the same\n")
        }
    }
}

extension Decision {
    /// A step in words, as far as the choice made it.
    func name(_ step: Journey.Step?, _ number: Int) -> String? {
        let places = among(number)
        guard let step, places.indices.contains(step.index) else { return nil }
        return "\(places[step.index].name) (\(step.reason.rawValue)\(step.queues ? ", to wait in line" : ""))"
    }
}

extension Decision.Place {
    var name: String { "\(federation.map { "\($0):" } ?? "")\(site)/\(node)" }
}
