import FoundationEssentials

/// `meshnode keys create|list|revoke`: API keys, for tools that take one key that stays the same.
enum KeysCommand {
    private static let path = "/v1/keys"
    private static let daySeconds = 86400

    private struct Wanted: Encodable {
        var name: String
        var expiresInSeconds: Int?
        var models: [String]?
        var project: String?
        var tokensPerDay: Int?
        var networks: [String]?
    }

    struct Key: Decodable {
        var id: String
        var name: String
        var key: String?
        var owner: String?
        var createdAt: String?
        var expiresAt: String?
        var lastUsedAt: String?
        var models: [String]?
        var project: String?
        var tokensPerDay: Int?
        var tokensToday: Int?
        var networks: [String]?
    }

    private struct Keys: Decodable { var data: [Key] }

    static func create(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let wanted = Wanted(
            name: invocation.positional(CommandSpecification.keyName) ?? "",
            expiresInSeconds: invocation.integer(.days).map { $0 * daySeconds }, models: invocation.list(.keyModel),
            project: invocation.text(.project), tokensPerDay: invocation.integer(.tokensPerDay),
            networks: invocation.list(.network))
        let body = try NodeClient(invocation).get(path, method: "POST", json: Array(try encode(wanted).utf8))
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        let made = try decode(Key.self, body)
        guard let key = made.key, Names.isVisible(key) else {
            throw CommandFailure(exitCode: 1, message: "the node made no key")
        }
        Output.note(
            "key \(Quoting.cut(made.id)) (\(Quoting.cut(made.name))), expires \(made.expiresAt.map { Quoting.cut($0) } ?? "never"); it is shown this once:"
        )
        Output.write(key + "\n")
    }

    static func list(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let body = try NodeClient(invocation).get(invocation.flag(.all) ? "\(path)?all=true" : path)
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        var table = Table([
            "ID", "NAME", "OWNER", "CREATED", "EXPIRES", "LAST USED", "MODELS", "TOKENS TODAY", "NETWORKS",
        ])
        for key in try decode(Keys.self, body).data {
            let allowed = key.tokensPerDay.map { " of \($0)" } ?? ""
            table.add([
                key.id, key.name, key.owner ?? "-", key.createdAt ?? "-", key.expiresAt ?? "-", key.lastUsedAt ?? "never",
                words(key.models), short(key.tokensToday) + allowed, words(key.networks),
            ])
        }
        Output.write(table.isEmpty ? "no keys\n" : table.text)
    }

    static func revoke(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let id = invocation.positional(CommandSpecification.keyID) ?? ""
        _ = try NodeClient(invocation).get("\(path)/\(NodeClient.encoded(id))", method: "DELETE")
        Output.write("revoked \(Quoting.cut(id))\n")
    }

    private static func words(_ list: [String]?) -> String {
        guard let list, !list.isEmpty else { return "any" }
        return list.joined(separator: ", ")
    }
}
