/// `meshnode federation invite SITE`: the token for a facility, alone on standard output.
enum InviteCommand {
    private struct Order: Encodable {
        var site: String
        var nodes: Int?
        var expiresInSeconds: Int64?
        var domains: [String]?
        var addsNodes: Bool
        var address: String?
    }

    private struct Answer: Decodable {
        var token: String
        var site: String
        var nodes: Int
        var domains: [String]
        var expiresAt: String
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let order = Order(
            site: invocation.positional(CommandSpecification.invitedSite) ?? "", nodes: invocation.integer(.nodes),
            expiresInSeconds: invocation.text(.expires).flatMap { Lifetime.seconds($0) },
            domains: invocation.list(.vouchedDomain),
            addsNodes: invocation.flag(.addNodes), address: invocation.text(.inviteAddress))
        let body = try NodeClient(invocation).get(
            "/mesh/federation/invites", method: "POST", json: Array(try encode(order).utf8))
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        let made = try decode(Answer.self, body)
        guard Names.isVisible(made.token) else {
            throw CommandFailure(exitCode: 1, message: "the node made no token")
        }
        let count = made.nodes == 1 ? "one node" : "\(made.nodes) nodes"
        let domains = made.domains.isEmpty ? "no users" : "users of \(made.domains.joined(separator: ", "))"
        Output.note(
            "invites \(count) of \(Quoting.cut(made.site)), which may vouch for \(Quoting.cut(domains)), until \(Quoting.cut(made.expiresAt)); "
                + "give it to the facility by a channel that nobody else reads; there: meshnode federation join -")
        Output.write(made.token + "\n")
    }
}
