import Trust

/// Sets up the first node of a federation: the one that takes the others in.
struct FirstNode {
    let authority: FederationAuthority
    /// The federation's folder.
    let directory: String
    let site: String

    func setUp(_ invocation: Invocation) throws(CommandFailure) {
        let folder = JoinFolder(invocation.text(.nodeDirectory) ?? site)
        guard !folder.isComplete else {
            throw CommandFailure(
                exitCode: 1, message: "\(folder.configurationFile) is there already; give another --node-directory")
        }
        let node = try NodeName.of(invocation)
        let local = NodeAddresses.outward
        let addresses = try NodeAddresses(invocation, local: local)
        let answer: JoinAnswer
        do throws(TrustError) {
            answer = try place(node, folder, names: NodeAddresses.names(invocation) + [local], invocation)
            let ledger = TrustLedger(federation: authority.federation, roots: [authority.root])
            for statement in answer.statements { _ = try? ledger.take(Array(statement.utf8), now: PeerGate.now) }
            try folder.write(answer, ledger)
            try copyIssuer(to: folder)
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        try NodeSetup(
            folder: folder, answer: answer, addresses: addresses,
            findings: try Findings.look(servers: invocation.list(.server)), carriers: [],
            proxy: NodeSetup.environmentProxy(), isAuthority: true
        ).finish(invocation)
    }

    private func place(
        _ node: String, _ folder: JoinFolder, names: [String], _ invocation: Invocation
    ) throws(TrustError) -> JoinAnswer {
        let others = names.filter { !SharedNames.isLoopback($0) }
        let certificate = try authority.issuer.issue(
            id: try SPIFFEID(federation: authority.federation, site: site, node: node),
            publicKey: try folder.key().publicKey(),
            dnsNames: others.filter { !HostAndPort.isAddress($0) } + ["localhost"],
            addresses: Array(Set(others.filter { HostAndPort.isAddress($0) })).sorted() + ["127.0.0.1", "::1"])
        let domains = (invocation.list(.vouchedDomain) ?? []).map { $0.lowercased() }
        let admission = try authority.issuer.sign(.admission(Admission(site: site, domains: domains, nodes: 1)))
        return JoinAnswer(
            federation: authority.federation, site: site, node: node,
            certificates: EncodedCertificates.encode([certificate] + authority.issuer.chain),
            roots: EncodedCertificates.encode([authority.root]),
            statements: ([authority.bundle].compactMap { $0 } + [admission]).map { String(decoding: $0, as: UTF8.self) },
            seeds: [])
    }

    /// The node holds a copy of its own, so that the federation's folder can be put away.
    private func copyIssuer(to folder: JoinFolder) throws(TrustError) {
        try PublicFile.write(folder.issuerFile, try PublicFile.read(directory + "/issuer.pem"))
        try SecretFile.write(folder.issuerKeyFile, try SecretFile.read(directory + "/issuer.key"))
    }
}
