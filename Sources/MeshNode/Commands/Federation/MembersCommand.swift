import FoundationEssentials
import Trust

/// `meshnode federation members`: who is in the federation, by whose certificate, and what is revoked.
enum MembersCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let body = try NodeClient(invocation).get("/mesh/federation")
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        let answer = try decode(FederationAnswer.self, body)
        var out = "federation \(Quoting.cut(answer.federation)), seen from \(answer.own.site)/\(answer.own.node)\n"
        if let revoked = answer.own.revoked { out += "! this node was revoked: \(Quoting.cut(revoked))\n" }
        var members = Table(["SITE", "NODE", "STATE", "CERTIFICATE UNTIL", "ISSUES", "BUNDLE", "STATEMENTS"])
        for member in answer.members {
            members.add([
                member.site, member.node, member.state, member.certificateExpires ?? "-", member.issues ? "yes" : "no",
                member.bundle == answer.bundle.serial ? "same" : "other",
                (member.ledger ?? "") == answer.ledger ? "same" : "other",
            ])
        }
        out += "\n" + members.text
        if !answer.revocations.isEmpty {
            var table = Table(["REVOKED", "SINCE", "FORGOTTEN", "REASON"])
            for entry in answer.revocations {
                table.add([entry.site + (entry.node.map { "/\($0)" } ?? ""), entry.revokedAt, entry.expires, entry.reason])
            }
            out += "\n" + table.text
        }
        Output.write(out)
    }
}

/// `meshnode federation renew`: has a node renew its certificate now.
enum RenewCommand {
    private struct Renewed: Decodable {
        var issuedBy: String
        var certificateExpires: String
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let body = try NodeClient(invocation).get("/mesh/federation/renew", method: "POST", json: [])
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        let renewed = try decode(Renewed.self, body)
        Output.write(
            "renewed by \(Quoting.cut(renewed.issuedBy)), good until \(Quoting.cut(renewed.certificateExpires))\n")
    }
}
