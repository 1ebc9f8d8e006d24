import Glibc
import Transport
import Trust

/// `meshnode federation join`: makes this machine a node of a federation.
enum JoinCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        switch (invocation.text(.requestOut), invocation.text(.certificateIn)) {
        case (nil, nil): try join(invocation)
        case (let file?, nil): try request(file, invocation)
        case (nil, let file?): try take(file, invocation)
        case (.some, .some):
            throw CommandFailure(exitCode: 2, message: "--csr-out comes first, --cert-in when the request was signed")
        }
    }

    private static func join(_ invocation: Invocation) throws(CommandFailure) {
        let token: InviteToken
        let text = try tokenText(invocation)
        do throws(TrustError) {
            token = try InviteToken(text)
        } catch { throw CommandFailure(exitCode: 2, message: error.message) }
        let folder = JoinFolder(invocation.text(.joinDirectory) ?? token.site)
        guard !folder.isComplete else {
            throw CommandFailure(
                exitCode: 1,
                message: "\(folder.configurationFile) is there already: start it with meshnode serve --config "
                    + "\(folder.configurationFile), or give another --directory")
        }
        let node = try NodeName.of(invocation)
        // Looked at first: what is wrong on the command line must not cost the invitation.
        _ = try NodeAddresses(invocation, local: "127.0.0.1")
        let findings = try Findings.look(servers: invocation.list(.server))
        let proxy = NodeSetup.environmentProxy()
        let outcome: JoinClient.Outcome
        do {
            let key = try folder.key()
            let request = try CertificateRequest(
                key: key, id: try SPIFFEID(federation: token.federation, site: token.site, node: node))
            let client = JoinClient(
                token: token, request: request, node: node, names: NodeAddresses.names(invocation),
                proxy: try proxy?.httpProxy())
            outcome = try client.run()
            try folder.write(outcome.answer, outcome.ledger)
        } catch let error as JoinFailure {
            throw CommandFailure(
                exitCode: 1, message: error.message + (error.isWorthARetry ? "; the same command tries again" : ""))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        try NodeSetup(
            folder: folder, answer: outcome.answer, addresses: try NodeAddresses(invocation, local: outcome.localAddress),
            findings: findings, carriers: invocation.list(.carrier) ?? [], proxy: proxy
        ).finish(invocation)
    }

    private static func tokenText(_ invocation: Invocation) throws(CommandFailure) -> String {
        guard let given = invocation.positional(CommandSpecification.invitation) else {
            throw CommandFailure(
                exitCode: 2, message: "federation join: TOKEN is missing: \(CommandSpecification.invitation.summary)")
        }
        guard given == "-" else { return given }
        return String(decoding: StandardInput.read(atMost: InviteToken.maximumCharacters * 2), as: UTF8.self)
    }

    // MARK: By hand

    /// Makes the key and a request, for an issuer that is offline.
    private static func request(_ file: String, _ invocation: Invocation) throws(CommandFailure) {
        guard let site = invocation.text(.joiningSite), let federation = invocation.text(.joiningFederation) else {
            throw CommandFailure(exitCode: 2, message: "--csr-out needs --federation NAME and --site SITE")
        }
        let node = try NodeName.of(invocation)
        let folder = JoinFolder(invocation.text(.joinDirectory) ?? site)
        do throws(TrustError) {
            let id = try SPIFFEID(federation: federation, site: site, node: node)
            let names = NodeAddresses.names(invocation)
            let request = try CertificateRequest(
                key: try folder.key(), id: id, dnsNames: names.filter { !HostAndPort.isAddress($0) },
                addresses: names.filter { HostAndPort.isAddress($0) })
            if file == "-" {
                Output.write(String(decoding: request.pem, as: UTF8.self))
            } else {
                try PublicFile.write(file, request.pem)
            }
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        Output.note(
            "key made in \(folder.path); have \(file) signed: meshnode federation sign \(file) --site \(site) --node \(node) "
                + "--directory FEDERATION; then: meshnode federation join --cert-in ANSWER --directory \(folder.path)")
    }

    /// Takes what was signed, for a new node or one that is there.
    private static func take(_ file: String, _ invocation: Invocation) throws(CommandFailure) {
        let answer: JoinAnswer
        do throws(TrustError) {
            let bytes = file == "-" ? StandardInput.read(atMost: JoinAnswer.maximumBytes) : try PublicFile.read(file)
            guard let read = JoinJSON.decode(JoinAnswer.self, bytes), Names.isLabel(read.site), !read.roots.isEmpty else {
                throw TrustError(.malformedEncoding, "\(file) is not what meshnode federation sign writes")
            }
            answer = read
        } catch { throw CommandFailure(exitCode: 2, message: error.message) }
        let folder = JoinFolder(invocation.text(.joinDirectory) ?? answer.site)
        do {
            guard access(folder.keyFile, F_OK) == 0 else {
                throw CommandFailure(exitCode: 1, message: "\(folder.keyFile) is not there: run join --csr-out first")
            }
            let key = try PrivateKey(pemFile: folder.keyFile)
            let root = try root(of: answer, invocation)
            let ledger = TrustLedger(federation: answer.federation, roots: [root])
            let token = try InviteToken(
                root: root, federation: answer.federation, site: answer.site, authority: (answer.site, answer.node),
                address: "by-hand:1")
            try JoinCheck(token: token).take(answer, ledger, key: try key.publicKey())
            try folder.write(answer, ledger)
        } catch let error as JoinFailure {
            throw CommandFailure(exitCode: 1, message: error.message)
        } catch let error as CommandFailure { throw error } catch {
            throw CommandFailure(exitCode: 1, message: "\(error)")
        }
        guard !folder.isComplete else { return Output.write("\(folder.certificateFile) is replaced; restart the node\n") }
        try NodeSetup(
            folder: folder, answer: answer, addresses: try NodeAddresses(invocation, local: NodeAddresses.outward),
            findings: try Findings.look(servers: invocation.list(.server)), carriers: invocation.list(.carrier) ?? [],
            proxy: NodeSetup.environmentProxy()
        ).finish(invocation)
    }

    /// The root that the facility is to trust: the one that `--pin` names, or the only one, shown to be compared.
    private static func root(of answer: JoinAnswer, _ invocation: Invocation) throws -> Certificate {
        let roots = try EncodedCertificates.decode(answer.roots, atMost: JoinAnswer.rootsAllowed)
        if let pin = invocation.text(.pin) {
            let wanted = pin.lowercased().filter { $0 != ":" }
            guard let found = roots.first(where: { Digest.hex($0.thumbprint) == wanted }) else {
                throw CommandFailure(exitCode: 1, message: "what was signed does not rest on the root that --pin names")
            }
            return found
        }
        guard let first = roots.first else { throw CommandFailure(exitCode: 2, message: "there is no root in it") }
        Output.note(
            "the federation's root is \(Digest.hex(first.thumbprint)) (SHA-256): compare it with what its operator tells you"
        )
        return first
    }
}

/// Standard input, whole, as far as it is wanted.
enum StandardInput {
    static func read(atMost limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= limit {
            let count = Glibc.read(0, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}

/// A node's name where none is given: this machine's, as far as it can be one.
enum NodeName {
    static func of(_ invocation: Invocation) throws(CommandFailure) -> String {
        if let given = invocation.text(.nodeName) { return given }
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, 255) == 0 else { return "n1" }
        let name = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let label = name.prefix { $0 != "." }.lowercased()
        guard Names.isLabel(label) else {
            throw CommandFailure(
                exitCode: 2, message: "this machine's name, \(Quoting.excerpt(label)), cannot name a node: give --node NAME")
        }
        return label
    }
}
