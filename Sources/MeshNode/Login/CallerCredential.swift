import Trust

/// What shows a node who asks.
struct CallerCredential: Sendable {
    enum Source: Equatable, Sendable {
        /// By a file or the environment.
        case given
        /// By `meshnode login` at this federation.
        case login(String)
    }

    let token: String
    let source: Source

    /// Where a node is looked for that nobody named.
    static let ownNode = "http://127.0.0.1:8101"

    /// Nothing that could end a header line.
    var isUsable: Bool { token.utf8.allSatisfy { $0 > 32 && $0 < 127 } }

    /// The node to ask, and the token for it: from the file of `--token-file`, from MESHNODE_TOKEN, or of the stored login.
    static func find(_ invocation: Invocation) throws(CommandFailure) -> (node: String, CallerCredential) {
        let node = invocation.text(.node)
        if let file = invocation.text(.tokenFile) {
            do throws(TrustError) {
                let token = trimmed(String(decoding: try SecretFile.read(file), as: UTF8.self))
                return (node ?? ownNode, CallerCredential(token: token, source: .given))
            } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        }
        if let token = Environment.value("MESHNODE_TOKEN") {
            return (node ?? ownNode, CallerCredential(token: token, source: .given))
        }
        let store = try TokenStore.own()
        guard !(try store.read()).federations.isEmpty else {
            throw CommandFailure(
                exitCode: 2,
                message: "no token: run meshnode login, or put one into MESHNODE_TOKEN or a file named by --token-file")
        }
        let issued = try TokenKeeper(store: store).token(node: node, federation: nil)
        if let warning = issued.warning { Output.note(warning) }
        let credential = CallerCredential(token: issued.token.accessToken, source: .login(issued.choice.federation))
        return (node ?? issued.choice.login.node, credential)
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while rest.last?.isWhitespace == true { rest.removeLast() }
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        return String(rest)
    }
}
