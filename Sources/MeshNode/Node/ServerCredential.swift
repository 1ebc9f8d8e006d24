import Glibc
import Globus
import Routing
import Transport

/// Makes of a backend's configuration what its server is shown.
struct ServerCredential {
    private let log: Logger
    private let proxy: HTTPProxy?

    /// - Parameter proxy: what calls for tokens go through.
    init(_ log: Logger, proxy: HTTPProxy?) {
        self.log = log
        self.proxy = proxy
    }

    /// nil where the server wants no key.
    ///
    /// - Throws: exit 1 where a file or variable that should hold a secret cannot be read.
    func of(_ server: OpenAIBackend) throws(CommandFailure) -> Credential? {
        if let path = server.keyFile ?? server.tokenFile { return try file(path, url: server.url) }
        if let command = server.tokenCommand { return self.command(command, url: server.url) }
        guard let name = server.keyEnvironment else { return nil }
        return Credential(fixed: try environment(name, what: "the key of \(server.url)"))
    }

    func of(_ gateway: FirstBackend) throws(CommandFailure) -> Credential? {
        if let path = gateway.tokenFile { return try file(path, url: gateway.url) }
        if let command = gateway.tokenCommand { return self.command(command, url: gateway.url) }
        guard let client = gateway.token else { return nil }
        return Credential(IssuedToken(try token(client)), warn: warn(gateway.url))
    }

    private func token(_ client: TokenClientConfiguration) throws(CommandFailure) -> ClientToken {
        var services = GlobusServices()
        if var url = client.authURL {
            while url.hasSuffix("/") { url.removeLast() }
            services.auth = url
        }
        var web = WebClientSettings()
        web.nodeProxy = proxy
        let secret = SecretSource(file: client.secretFile, environment: client.secretEnvironment)
        do throws(GlobusError) { _ = try secret.read() } catch {
            throw CommandFailure(exitCode: 1, message: "the secret of client \(client.clientID): \(error)")
        }
        return ClientToken(
            client: GlobusClient(clientID: client.clientID, secret: secret.read), scope: client.scope,
            resourceServer: TokenClientConfiguration.resourceServer(ofScope: client.scope) ?? "", services: services,
            web: WebClient(web), jitter: GlobusJitter(seed: UInt64.random(in: 0 ... .max)))
    }

    /// One that is not there at the start ends the program; later the token held is kept.
    private func file(_ path: String, url: String) throws(CommandFailure) -> Credential {
        let file = TokenFile(path: path)
        do throws(TokenFailure) {
            return Credential(file, first: try file.readNow(), warn: warn(url))
        } catch { throw CommandFailure(exitCode: 1, message: "the token of \(url): \(error)") }
    }

    private func command(_ command: TokenCommandConfiguration, url: String) -> Credential {
        let log = log
        let origin = TokenProgram(command.arguments, lifeSeconds: command.seconds) { log.info($0) }
        return Credential(origin, warn: warn(url))
    }

    private func environment(_ name: String, what: String) throws(CommandFailure) -> String {
        guard let value = getenv(name), value.pointee != 0 else {
            throw CommandFailure(
                exitCode: 1, message: "\(what) should be in the environment variable \(name), which is not set")
        }
        return String(cString: value)
    }

    private func warn(_ url: String) -> @Sendable (String) -> Void {
        let log = log
        return { log.warnSeldom("token of \(url)", "no new token for \(url): \($0)") }
    }
}
