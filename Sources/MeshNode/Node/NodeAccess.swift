import API
import CLinux
import Gossip
import Storage
import Transport

/// Who may use a node, put together from its configuration: tokens, keys, logins, rules.
struct NodeAccess {
    let authenticator: AuthenticationChain
    let keys: KeyStore
    let login: LoginFacts?
    private let globus: GlobusAccess?

    /// - Parameter thread: of the databases.
    /// - Throws: exit 1 and one line naming what cannot be used.
    init(_ configuration: NodeConfiguration, on thread: StorageThread, log: Logger) throws(CommandFailure) {
        let names = Set(configuration.tokens.map(\.name))
        let roles = RoleRules(configuration.access.roles)
        do throws(StorageError) {
            keys = try KeyStore(
                path: configuration.stateDirectory + "/keys.db", site: configuration.site,
                settings: KeySettings(configuration.keys), roles: roles, thread: thread,
                nowSeconds: mesh_realtime_ns() / 1_000_000_000,
                hasStaticToken: { names.contains($0) }, log: { log.log($0, $1) })
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        let globus = try Self.globus(configuration)
        self.globus = globus
        authenticator = AuthenticationChain(
            tokens: StaticTokens(configured: configuration.tokens), keys: keys,
            globus: globus.map { globus in GlobusUsers(roles: roles) { await globus.introspect($0, from: $1) } })
        login = configuration.authentication.globus.map {
            LoginFacts(
                authorizationServer: $0.services.auth, scope: $0.wantedScope, isShared: $0.isShared,
                nativeClientID: $0.nativeClientID)
        }
    }

    private static func globus(_ configuration: NodeConfiguration) throws(CommandFailure) -> GlobusAccess? {
        guard let globus = configuration.authentication.globus else { return nil }
        return try GlobusAccess(globus, proxy: try configuration.proxy?.httpProxy())
    }

    /// Puts all of it where the API port looks.
    func apply(to facts: inout NodeFacts, _ configuration: NodeConfiguration) {
        facts.rules = configuration.entryRules
        facts.data = configuration.data
        facts.login = login
        facts.keys = keys
        facts.webLogin = globus?.webLogin
        let proxies = configuration.trustedProxies
        facts.isProxy = { address in proxies.contains { $0.contains(address.host) } }
    }
}

extension KeySettings {
    init(_ configuration: KeyConfiguration) {
        self.init()
        maximumDays = configuration.maximumDays
        reauthenticationDays = configuration.reauthenticationDays
        unseenDays = configuration.unseenDays
        recheckSeconds = UInt64(configuration.recheckSeconds)
        perUser = configuration.perUser
    }
}

extension RoleRules {
    init(_ configuration: AccessConfiguration.RoleRules) {
        self.init(operate: configuration.operator, viewer: configuration.viewer, user: configuration.user)
    }
}
