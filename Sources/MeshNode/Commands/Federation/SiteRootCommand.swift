import Trust

/// `meshnode federation site-root SITE --root FILE`: a site's own authority may make certificates for its own nodes.
enum SiteRootCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let site = invocation.positional(CommandSpecification.ownedSite) ?? ""
        guard Names.isLabel(site) else {
            throw CommandFailure(
                exitCode: 2, message: "\(Quoting.excerpt(site)) cannot name a site: a-z, 0-9 and - inside, at most 63")
        }
        guard let directory = invocation.text(.directory) else {
            throw CommandFailure(
                exitCode: 2, message: "federation site-root: --directory DIR is missing: the federation's folder")
        }
        let file = invocation.text(.siteRoot)
        guard (file != nil) != invocation.flag(.removed) else {
            throw CommandFailure(
                exitCode: 2, message: "federation site-root: give either --root FILE, the site's own root, or --remove")
        }
        let client = try NodeClient(invocation)
        let answer = try FederationAnswer.fetch(client)
        let token: [UInt8]
        do throws(TrustError) {
            let rollover = try RootRollover(directory: directory)
            guard answer.federation == rollover.federation else {
                throw TrustError(
                    .malformedName, "the node is of \(answer.federation), the folder holds \(rollover.federation)")
            }
            let roots: [Certificate] = if let file { try Certificate.load(pemFile: file) } else { [] }
            let statements = answer.statements.compactMap { try? Statement(unverified: Array($0.utf8)) }
            let present = statements.compactMap { if case .bundle(let bundle) = $0.body { bundle } else { nil } }.first
            token = try rollover.bundle(
                withRoots: roots, of: site, key: try RootKeys.open(rollover, next: false, invocation), present: present,
                serial: answer.bundle.serial)
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        _ = try client.get("/mesh/federation/statements", method: "POST", json: token + [UInt8(ascii: "\n")])
        if invocation.flag(.json) { return Output.write(#"{"site":"\#(site)","hasRoot":\#(file != nil)}"# + "\n") }
        Output.write(
            file == nil
                ? "\(site) has no authority of its own any more: certificates by it are refused everywhere\n"
                : "\(site) may certify its own nodes by its own authority, and no others\n")
    }
}
