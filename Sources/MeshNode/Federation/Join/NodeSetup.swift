import Transport
import Trust

/// The last part of joining, and of founding: the configuration, the check of it, and what is said of both.
struct NodeSetup {
    let folder: JoinFolder
    let answer: JoinAnswer
    let addresses: NodeAddresses
    let findings: Findings
    let carriers: [String]
    let proxy: ProxyConfiguration?
    var isAuthority = false

    /// What was done, for programs.
    struct Report: Encodable {
        var federation: String
        var site: String
        var node: String
        var directory: String
        var configuration: String
        var certificateExpires: String
        var api: String
        var mesh: String
        var models: [String]
        var operatorTokenFile: String
        var systemdUnit: String?
        var start: String
    }

    /// Writes the configuration, last of all files, and checks it as `meshnode check` does.
    ///
    /// - Throws: exit 1 for files that cannot be written; exit 2 with what the check found.
    func finish(_ invocation: Invocation) throws(CommandFailure) {
        let unit = SystemdUnit(federation: answer.federation, site: answer.site, node: answer.node, folder: folder)
        do throws(TrustError) {
            let digest = Digest.hex(Digest.sha256(Array(try folder.operatorToken().utf8)))
            let file = NodeFile(
                federation: answer.federation, site: answer.site, node: answer.node, addresses: addresses,
                seeds: answer.seeds, carriers: carriers, proxy: proxy, findings: findings, operatorDigest: digest,
                isAuthority: isAuthority)
            if invocation.flag(.systemd) { try PublicFile.write(unit.path, Array(unit.render().utf8)) }
            try SecretFile.write(folder.configurationFile, Array(file.render().utf8))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        do throws(ConfigurationErrors) {
            _ = try NodeConfiguration.load(path: folder.configurationFile, validatingFiles: true)
        } catch { throw CommandFailure(exitCode: 2, message: error.description) }
        let report = report(unit, invocation)
        Output.write(invocation.flag(.json) ? try encode(report) : text(report))
    }

    private func report(_ unit: SystemdUnit, _ invocation: Invocation) -> Report {
        let leaf = (try? EncodedCertificates.decode(answer.certificates, atMost: JoinAnswer.certificatesAllowed))?.first
        let scheme = addresses.api.isLoopback ? "http" : "https"
        return Report(
            federation: answer.federation, site: answer.site, node: answer.node, directory: folder.path,
            configuration: folder.configurationFile, certificateExpires: Lifetime.moment(leaf?.notAfter ?? 0),
            api: addresses.advertisedAPI ?? "\(scheme)://\(addresses.api)",
            mesh: "https://\(addresses.advertisedMesh?.description ?? addresses.mesh.description)",
            models: NodeFile.models(findings).map(\.id), operatorTokenFile: folder.operatorTokenFile,
            systemdUnit: invocation.flag(.systemd) ? unit.path : nil,
            start: invocation.flag(.systemd) ? unit.command : "\(Self.program) serve --config \(folder.configurationFile)")
    }

    /// As it was called: by its name where that is enough.
    private static var program: String {
        let called = CommandLine.arguments.first ?? ""
        return called.contains("/") || called.isEmpty ? ChildProcess.ownPath : called
    }

    private func text(_ report: Report) -> String {
        var out = isAuthority ? "founded" : "joined"
        out += " \(report.federation) as \(report.site)/\(report.node); the certificate lasts until "
        out += "\(report.certificateExpires) and renews itself\n"
        var table = Table(["", ""])
        for server in findings.servers {
            let what = server.models.map { $0.isEmpty ? "no models" : $0.joined(separator: ", ") } ?? server.obstacle ?? ""
            table.add(["  found \(server.url)", what])
        }
        if findings.servers.isEmpty {
            table.add(["  no inference server found", "name one with --server, or in node.json5"])
        }
        if let scheduler = findings.scheduler { table.add(["  found \(scheduler)", "see docs/globus.md for its jobs"]) }
        if findings.globusClient != nil { table.add(["  found credentials for Globus", "see globusCompute in node.json5"]) }
        table.add(["  mesh port", report.mesh])
        table.add(["  API", report.api])
        table.add(["  configuration", "\(report.configuration), checked"])
        table.add(["  operator's token", report.operatorTokenFile])
        out += table.text.split(separator: "\n", omittingEmptySubsequences: true).map { "\($0)\n" }.joined()
        return out + "start it:\n  \(report.start)\n"
    }
}

extension NodeSetup {
    /// The proxy that the environment names, as other programs use it, for this machine's way out.
    static func environmentProxy() -> ProxyConfiguration? {
        let named = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].lazy.compactMap { Environment.value($0) }
        guard let url = named.first.map(Self.withScheme), let address = WebAddress(url), address.scheme == "http",
            address.path.isEmpty || address.path == "/"
        else { return nil }
        let exempt = Environment.value("NO_PROXY") ?? Environment.value("no_proxy") ?? ""
        let hosts = exempt.split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter {
            HTTPProxy.Bypass($0) != nil
        }
        return ProxyConfiguration(
            url: "http://\(HostAndPort(host: address.host, port: address.port))",
            noProxy: hosts.isEmpty ? nil : Array(hosts.prefix(ProxyConfiguration.noProxyAllowed)))
    }

    private static func withScheme(_ url: String) -> String { url.contains("://") ? url : "http://\(url)" }
}
