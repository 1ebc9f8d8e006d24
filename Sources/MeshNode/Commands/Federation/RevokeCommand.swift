import FoundationEssentials
import Trust

/// `meshnode federation revoke SITE|SITE/NODE --reason TEXT`: the end of a site's or a node's place, everywhere within seconds.
enum RevokeCommand {
    private struct Order: Encodable {
        var site: String
        var node: String?
        var reason: String
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let whom = invocation.positional(CommandSpecification.member) ?? ""
        let parts = whom.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
            throw CommandFailure(
                exitCode: 2, message: "\(Quoting.excerpt(whom)) names no site and no node; allowed: SITE or SITE/NODE")
        }
        guard let reason = invocation.text(.reason) else {
            throw CommandFailure(exitCode: 2, message: "federation revoke: --reason TEXT is missing: why, for all to read")
        }
        let order = Order(
            site: parts[0], node: parts.count > 1 ? parts[1] : nil, reason: reason)
        if let directory = invocation.text(.directory) {
            try revoke(order, directory, invocation)
        } else {
            _ = try NodeClient(invocation).get(
                "/mesh/federation/revoke", method: "POST", json: Array(try encode(order).utf8))
        }
        if invocation.flag(.json) { return Output.write(#"{"revoked":true}"# + "\n") }
        Output.write("revoked \(Quoting.cut(whom)): its connections end and its certificates are refused everywhere\n")
    }

    /// Signs it here, with the federation's own issuer, and hands it to the node, which passes it on.
    private static func revoke(_ order: Order, _ directory: String, _ invocation: Invocation) throws(CommandFailure) {
        let client = try NodeClient(invocation)
        let answer = try FederationAnswer.fetch(client)
        let statements = answer.statements.compactMap { try? Statement(unverified: Array($0.utf8)) }
        let serial = statements.filter { $0.isAbout(site: order.site) }.map(\.serial).max() ?? 0
        let now = FederationAuthority.currentSeconds()
        let token: [UInt8]
        do throws(TrustError) {
            let issuer = try Issuer(certificateFile: directory + "/issuer.pem", keyFile: directory + "/issuer.key")
            // The longest that one of its certificates may last is that of the issuer.
            let revocation = Revocation(
                site: order.site, node: order.node, revokedAt: UInt64(max(0, now)),
                expires: UInt64(max(issuer.certificate.notAfter, now + 1)), reason: order.reason)
            token = try issuer.sign(.revocation(revocation), now: now, previous: serial)
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        _ = try client.get("/mesh/federation/statements", method: "POST", json: token + [UInt8(ascii: "\n")])
    }
}

extension Statement {
    /// Whether it says something of a site's place.
    func isAbout(site: String) -> Bool {
        switch body {
        case .admission(let admission): admission.site == site
        case .revocation(let revocation): revocation.site == site
        case .bundle: false
        }
    }
}
