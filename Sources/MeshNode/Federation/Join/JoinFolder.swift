import Glibc
import Trust

/// A node's folder, as `join` fills it: the key before anything is sent, the configuration last. Whatever is missing when a join
/// was cut short is made good by the same command.
struct JoinFolder {
    /// Absolute.
    let path: String

    var keyFile: String { path + "/node.key" }
    var certificateFile: String { path + "/node.pem" }
    var rootsFile: String { path + "/ca.pem" }
    var stateDirectory: String { path + "/state" }
    var statementsFile: String { stateDirectory + "/statements.jws" }
    var configurationFile: String { path + "/node.json5" }
    var operatorTokenFile: String { path + "/operator.token" }
    var issuerFile: String { path + "/issuer.pem" }
    var issuerKeyFile: String { path + "/issuer.key" }

    init(_ given: String) {
        var path = given.hasPrefix("/") ? given : Self.workingDirectory + "/" + given
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
    }

    private static var workingDirectory: String {
        guard let found = getcwd(nil, 0) else { return "." }
        defer { free(found) }
        return String(cString: found)
    }

    /// Whether a join was completed here.
    var isComplete: Bool { access(configurationFile, F_OK) == 0 }

    /// This node's key: made here, and never sent anywhere. The one of a join that was cut short serves again.
    func key() throws(TrustError) -> PrivateKey {
        try SecretFile.makeDirectory(path)
        if access(keyFile, F_OK) == 0 { return try PrivateKey(pemFile: keyFile) }
        let key = try PrivateKey.generate()
        try key.write(pemFile: keyFile)
        return key
    }

    /// Writes what the node proves itself by and what it trusts.
    ///
    /// - Parameter ledger: holds what was verified.
    func write(_ answer: JoinAnswer, _ ledger: TrustLedger) throws(TrustError) {
        let chain = try EncodedCertificates.decode(answer.certificates, atMost: JoinAnswer.certificatesAllowed)
        guard let leaf = chain.first else { throw TrustError(.unusableCertificate, "no certificate was given") }
        try SecretFile.makeDirectory(stateDirectory)
        try PublicFile.write(rootsFile, ledger.bundle.roots.flatMap(\.pem))
        try PublicFile.write(statementsFile, ledger.held.flatMap { $0.token + [UInt8(ascii: "\n")] })
        try leaf.write(pemFile: certificateFile, issuers: Array(chain.dropFirst()))
    }

    /// The first operator's token, in a file for its owner alone: the configuration knows its digest.
    func operatorToken() throws(TrustError) -> String {
        if access(operatorTokenFile, F_OK) == 0 {
            let text = String(decoding: try SecretFile.read(operatorTokenFile), as: UTF8.self)
            let token = text.filter { !$0.isWhitespace }
            if token.utf8.count >= 32 { return token }
        }
        let token = Random.token()
        try SecretFile.write(operatorTokenFile, Array("\(token)\n".utf8))
        return token
    }
}
