import Gossip
import Routing

/// What `meshnode serve --config node.json5` runs: one node of a site. docs/configuration.md is its reference.
struct NodeConfiguration: Equatable, Sendable {
    /// The most models, tokens, seeds, trusted proxies and event loops one node may have.
    static let modelsAllowed = 256
    static let tokensAllowed = 256
    static let seedsAllowed = 64
    static let trustedProxiesAllowed = 64
    static let loopsAllowed = 256

    var federation: String
    var site: String
    var node: String
    var listen: ListenConfiguration
    var advertise = AdvertiseConfiguration()
    /// The API port's own certificate. nil: plain HTTP, on loopback or behind `trustedProxies` only.
    var tls: CertificateConfiguration?
    /// Proxies whose `X-Forwarded-For` counts.
    var trustedProxies: [AddressRange] = []
    var trust: TrustConfiguration
    /// Nodes to join by: mesh addresses.
    var seeds: [HostAndPort] = []
    /// What connections outwards go through; nil: nothing.
    var proxy: ProxyConfiguration?
    /// Who carries calls to this node, where it takes none; nil: it is called at its own address.
    var outbound: OutboundConfiguration?
    /// What this node carries for others; nil: nothing.
    var carrier: CarrierConfiguration?
    /// Where the node keeps what must survive a restart; an absolute path.
    var stateDirectory: String
    var tokens: [TokenConfiguration] = []
    var authentication = AuthenticationConfiguration()
    var access = AccessConfiguration()
    /// Classes of data, and where users' data may go.
    var data = DataPolicy.none
    /// Other federations that this node is linked with.
    var links: [LinkConfiguration] = []
    var keys = KeyConfiguration()
    /// Event loops; 0 is one a core.
    var loops = 0
    var limits = LimitConfiguration()
    /// The protocol's settings, its budgets among them, by the names that scenarios have for them too.
    var gossip = Gossip.Settings()
    /// How sites are chosen.
    var routing = RoutingPolicies()
    var timeouts = TimeoutConfiguration()
    var health = HealthConfiguration()
    var log = LogConfiguration()
    var fips = FIPSRequirement.off
    var audit = AuditConfiguration()
    var receipts = ReceiptConfiguration()
    /// Needed by models with the backend `globusCompute`.
    var globusCompute: GlobusComputeConfiguration?
    var models: [ModelConfiguration] = []
}

/// Addresses to listen on.
struct ListenConfiguration: Equatable, Sendable {
    var api: ListenAddress
    var mesh: ListenAddress
    /// Where `/mesh/*`, the console and `/metrics` are served, if apart from the API.
    var admin: ListenAddress?
}

/// The URLs that others are told, where they differ from the addresses listened on.
struct AdvertiseConfiguration: Equatable, Sendable {
    var api: String?
    var mesh: String?
}

/// A certificate chain and its key, PEM files by absolute path.
struct CertificateConfiguration: Equatable, Sendable {
    var certificateFile: String
    var keyFile: String
}

/// The federation's root and this node's own certificate and key, PEM files by absolute path.
struct TrustConfiguration: Equatable, Sendable {
    var caFile: String
    var certificateFile: String
    var keyFile: String
    /// What makes this node a registration authority: an issuing certificate with its chain, and its key; nil: it is none.
    var issuer: CertificateConfiguration?
}

/// Whether cryptography must come from a module validated after FIPS 140.
enum FIPSRequirement: String, CaseIterable, Sendable {
    case off, required
}

/// What a token's holder may do; each role may do what those before it may.
enum TokenRole: String, CaseIterable, Sendable {
    case user, viewer, `operator`
}

/// A static token, known by its digest alone.
struct TokenConfiguration: Equatable, Sendable {
    /// Who it was given to, for logs and accounting.
    var name: String
    var role: TokenRole
    /// SHA-256 of the token, 64 hexadecimal digits in lower case.
    var sha256: String
}
