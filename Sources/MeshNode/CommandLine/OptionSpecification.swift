import Routing

/// An option of a command, as declared in the table: its name, what its value is, and what it is for.
struct OptionSpecification: Hashable, Sendable {
    /// What may stand after an option's name.
    enum Value: Hashable, Sendable {
        /// Nothing: the option is there or not.
        case flag
        case text
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        /// `http://` or `https://`, without path.
        case nodeAddress
        case address
        case choice([String])
        /// A block of IP addresses (CIDR), or one address.
        case network
        /// A UUID.
        case uuid
        /// The name of a site or node.
        case label
        /// A time with its unit: `90s`, `30m`, `24h`, `7d`.
        case duration
        /// An IP address with a port.
        case listenAddress
        /// A host with a port.
        case hostAndPort
        /// Two whole numbers and what is between them: `1..200`.
        case range
    }

    /// With its dashes: `--state`.
    var name: String
    var value: Value
    /// How help names the value: `DIR`.
    var placeholder = ""
    var summary: String
    var isRequired = false
    /// May be given more than once.
    var isList = false
    /// Taken where the option is not given.
    var fallback: String?
}

extension OptionSpecification {
    static let help = OptionSpecification(name: "--help", value: .flag, summary: "show this text and exit")
    static let version = OptionSpecification(name: "--version", value: .flag, summary: "show the version and exit")
    static let json = OptionSpecification(name: "--json", value: .flag, summary: "print JSON")
    static let restart = OptionSpecification(name: "--restart", value: .flag, summary: "start a node again when it dies")
    static let state = OptionSpecification(
        name: "--state", value: .text, placeholder: "DIR",
        summary: "keep keys, configurations and logs here (default: a temporary directory)")
    static let readyFile = OptionSpecification(
        name: "--ready-file", value: .text, placeholder: "FILE", summary: "written, whole, once everything is ready")
    static let config = OptionSpecification(
        name: "--config", value: .text, placeholder: "FILE", summary: "the node's configuration", isRequired: true)
    static let node = OptionSpecification(
        name: "--node", value: .nodeAddress, placeholder: "URL",
        summary: "the node (default: of your login, or \(CallerCredential.ownNode))")
    static let tokenFile = OptionSpecification(
        name: "--token-file", value: .text, placeholder: "FILE",
        summary: "a file with the token (default: MESHNODE_TOKEN, or your login)")
}

/// Simulations.
extension OptionSpecification {
    static let simulationSeed = OptionSpecification(
        name: "--seed", value: .integer(0...Int.max), placeholder: "N",
        summary: "what chance there is follows from it (default: another each time, and said)")
    static let simulationSeeds = OptionSpecification(
        name: "--seeds", value: .range, placeholder: "A..B",
        summary: "all seeds from A to B, over all cores; the first that fails is made short")
    static let trace = OptionSpecification(
        name: "--trace", value: .flag, summary: "print what happens, a JSON object a line")
}

/// Logging in, and keys.
extension OptionSpecification {
    static let federation = OptionSpecification(
        name: "--federation", value: .text, placeholder: "NAME",
        summary: "the federation, where you are logged in at several")
    static let force = OptionSpecification(name: "--force", value: .flag, summary: "anew, even where it is not needed yet")
    static let noBrowser = OptionSpecification(
        name: "--no-browser", value: .flag, summary: "open no browser, even if there is one")
    static let local = OptionSpecification(
        name: "--local", value: .flag, summary: "the browser runs on this machine: no code to paste")
    static let days = OptionSpecification(
        name: "--days", value: .integer(1...3650), placeholder: "N",
        summary: "how long it lasts (default: as long as allowed)")
    static let keyModel = OptionSpecification(
        name: "--model", value: .text, placeholder: "ID", summary: "for this model only; again for more", isList: true)
    static let project = OptionSpecification(
        name: "--project", value: .text, placeholder: "NAME", summary: "the project that its use is counted for")
    static let tokensPerDay = OptionSpecification(
        name: "--tokens-per-day", value: .integer(1...1_000_000_000_000), placeholder: "N",
        summary: "tokens that it may use a day")
    static let network = OptionSpecification(
        name: "--network", value: .network, placeholder: "CIDR", summary: "from this network only; again for more",
        isList: true)
    static let all = OptionSpecification(name: "--all", value: .flag, summary: "of everybody, for operators")
}

/// Looking at a node.
extension OptionSpecification {
    static let doctorConfig = OptionSpecification(
        name: "--config", value: .text, placeholder: "FILE", summary: "the node's configuration", fallback: "node.json5")
    static let firewall = OptionSpecification(
        name: "--firewall", value: .flag, summary: "print what to ask of the network team instead")
}

/// What an operator does at one node.
extension OptionSpecification {
    static let blockReason = OptionSpecification(
        name: "--reason", value: .text, placeholder: "TEXT", summary: "why, for the other operators")
    static let duration = OptionSpecification(
        name: "--for", value: .text, placeholder: "TIME", summary: "how long: 90s, 30m, 2h, 7d (default: until lifted)")
    static let off = OptionSpecification(name: "--off", value: .flag, summary: "end it")
    static let limit = OptionSpecification(
        name: "--limit", value: .integer(1...1000), placeholder: "N", summary: "entries", fallback: "100")
    static let after = OptionSpecification(
        name: "--after", value: .integer(0...Int.max), placeholder: "N", summary: "those behind this entry, in order")
    static let witness = OptionSpecification(
        name: "--witness", value: .nodeAddress, placeholder: "URL",
        summary: "another node, whose operator vouches for what it witnessed; again for more", isList: true)
}

/// Where requests go, and went.
extension OptionSpecification {
    static let routedUser = OptionSpecification(
        name: "--user", value: .text, placeholder: "USER",
        summary: "whose request: alice@anl.gov, or static:NAME for a token (default: nobody's, without rules)")
    static let routedTokens = OptionSpecification(
        name: "--tokens", value: .integer(0...100_000_000), placeholder: "N", summary: "the context that it needs")
    static let explain = OptionSpecification(
        name: "--explain", value: .flag, summary: "show all that is known of each candidate")
    static let receiptLimit = OptionSpecification(
        name: "--limit", value: .integer(1...1000), placeholder: "N", summary: "receipts", fallback: "20")
    static let receiptModel = OptionSpecification(
        name: "--model", value: .text, placeholder: "M", summary: "of requests for this model")
    static let receiptSite = OptionSpecification(
        name: "--site", value: .text, placeholder: "SITE", summary: "of requests that were tried at this site")
    static let receiptReason = OptionSpecification(
        name: "--reason", value: .choice(RouteReason.allCases.map(\.rawValue)), placeholder: "R",
        summary: "of requests that were placed for this reason")
    static let receiptOutcome = OptionSpecification(
        name: "--outcome", value: .choice(Receipt.outcomes), placeholder: "O", summary: "of requests that ended so")
    static let receiptSince = OptionSpecification(
        name: "--since", value: .text, placeholder: "TIME",
        summary: "of requests since 2026-11-25T14:00:00Z, or for so long: 90s, 30m, 24h, 7d")
    static let replay = OptionSpecification(
        name: "--replay", value: .flag, summary: "with ID: choose again by the receipt's numbers, and compare")
}

/// Whose requests may run where.
extension OptionSpecification {
    static let policy = OptionSpecification(
        name: "--policy", value: .flag, summary: "tell where a user's requests may run: with --as and --model")
    static let asUser = OptionSpecification(
        name: "--as", value: .text, placeholder: "USER", summary: "such as alice@anl.gov, or static:NAME for a token")
    static let policyModel = OptionSpecification(
        name: "--model", value: .text, placeholder: "M", summary: "the model, with --policy")
    static let domain = OptionSpecification(
        name: "--domain", value: .text, placeholder: "D",
        summary: "the user's identity provider (default: what follows @ in the name)")
    static let groups = OptionSpecification(
        name: "--group", value: .uuid, placeholder: "UUID", summary: "a group the user is in; again for more", isList: true)
    static let dataClass = OptionSpecification(
        name: "--data-class", value: .text, placeholder: "C", summary: "a label of the data; again for more", isList: true)
}

/// What the federation's operator does.
extension OptionSpecification {
    static let reason = OptionSpecification(
        name: "--reason", value: .text, placeholder: "TEXT", summary: "why, for all to read")
    static let directory = OptionSpecification(
        name: "--directory", value: .text, placeholder: "DIR",
        summary: "the federation's folder, as federation create made it")
    static let passphraseFile = OptionSpecification(
        name: "--passphrase-file", value: .text, placeholder: "FILE",
        summary: "a file with the passphrase of the root's key (default: MESHNODE_PASSPHRASE)")
    static let keyURI = OptionSpecification(
        name: "--key-uri", value: .text, placeholder: "URI", summary: "the root's key, where it is kept elsewhere")
    static let nextKeyURI = OptionSpecification(
        name: "--next-key-uri", value: .text, placeholder: "URI", summary: "the new root's key, where it is kept elsewhere")
    static let siteRoot = OptionSpecification(
        name: "--root", value: .text, placeholder: "FILE",
        summary: "the site's own root, in PEM; several while one takes over")
    static let removed = OptionSpecification(name: "--remove", value: .flag, summary: "the site has none any more")
    static let waitSeconds = OptionSpecification(
        name: "--wait-seconds", value: .number(0...3600), placeholder: "SECONDS",
        summary: "how long to wait for the nodes", fallback: "30")
}

/// Founding a federation, and joining one.
extension OptionSpecification {
    static let foundingDirectory = OptionSpecification(
        name: "--directory", value: .text, placeholder: "DIR", summary: "the federation's folder (default: ./NAME)")
    static let signingDirectory = OptionSpecification(
        name: "--directory", value: .text, placeholder: "DIR", summary: "the federation's folder", isRequired: true)
    static let validDays = OptionSpecification(
        name: "--valid-days", value: .integer(1...36_500), placeholder: "N", summary: "how long the root lasts",
        fallback: "3650")
    static let caCertificate = OptionSpecification(
        name: "--ca-cert", value: .text, placeholder: "FILE", summary: "the root is this one, which is there already")
    static let caKey = OptionSpecification(
        name: "--ca-key", value: .text, placeholder: "FILE", summary: "the key of --ca-cert (or --key-uri)")
    static let requestOut = OptionSpecification(
        name: "--csr-out", value: .text, placeholder: "FILE",
        summary: "write a request for a certificate, to be signed by hand")
    static let certificateIn = OptionSpecification(
        name: "--cert-in", value: .text, placeholder: "FILE", summary: "what was signed by hand")
    static let firstSite = OptionSpecification(
        name: "--site", value: .label, placeholder: "SITE", summary: "set up the first node, of this site")
    static let joiningSite = OptionSpecification(
        name: "--site", value: .label, placeholder: "SITE", summary: "with --csr-out: the site's name")
    static let joiningFederation = OptionSpecification(
        name: "--federation", value: .text, placeholder: "NAME", summary: "with --csr-out: the federation's name")
    static let signedSite = OptionSpecification(
        name: "--site", value: .label, placeholder: "SITE", summary: "the site's name", isRequired: true)
    static let signedNode = OptionSpecification(
        name: "--node", value: .label, placeholder: "NAME", summary: "the node's name", isRequired: true)
    static let nodeName = OptionSpecification(
        name: "--node", value: .label, placeholder: "NAME", summary: "the node's name (default: this machine's)")
    static let nodeDirectory = OptionSpecification(
        name: "--node-directory", value: .text, placeholder: "DIR", summary: "the node's folder (default: ./SITE)")
    static let joinDirectory = OptionSpecification(
        name: "--directory", value: .text, placeholder: "DIR", summary: "the node's folder (default: ./SITE)")
    static let vouchedDomain = OptionSpecification(
        name: "--domain", value: .text, placeholder: "DOMAIN",
        summary: "an identity provider's domain for whose users the site may vouch; again for more", isList: true)
    static let nodes = OptionSpecification(
        name: "--nodes", value: .integer(1...1000), placeholder: "N", summary: "nodes that may join by it", fallback: "1")
    static let expires = OptionSpecification(
        name: "--expires", value: .duration, placeholder: "TIME", summary: "how long it is good", fallback: "24h")
    static let addNodes = OptionSpecification(
        name: "--add-nodes", value: .flag, summary: "the site is a member already: these nodes are added")
    static let inviteAddress = OptionSpecification(
        name: "--address", value: .hostAndPort, placeholder: "HOST:PORT",
        summary: "where the facility reaches this node's mesh port (default: as it is advertised)")
    static let pin = OptionSpecification(
        name: "--pin", value: .text, placeholder: "HEX", summary: "with --cert-in: SHA-256 of the federation's root")
    static let seedNode = OptionSpecification(
        name: "--seed", value: .hostAndPort, placeholder: "HOST:PORT", summary: "a node to join by; again for more",
        isList: true)
    static let out = OptionSpecification(
        name: "--out", value: .text, placeholder: "FILE", summary: "write it here (default: standard output)")
    static let listenAPI = OptionSpecification(
        name: "--listen-api", value: .listenAddress, placeholder: "ADDRESS:PORT",
        summary: "where clients call (default: 127.0.0.1:8101)")
    static let listenMesh = OptionSpecification(
        name: "--listen-mesh", value: .listenAddress, placeholder: "ADDRESS:PORT",
        summary: "where other nodes call (default: port 8201 of the address that leads to the federation)")
    static let advertiseAPI = OptionSpecification(
        name: "--advertise-api", value: .text, placeholder: "URL", summary: "the API's URL as others see it")
    static let advertiseMesh = OptionSpecification(
        name: "--advertise-mesh", value: .hostAndPort, placeholder: "HOST:PORT", summary: "the mesh port as others see it")
    static let server = OptionSpecification(
        name: "--server", value: .text, placeholder: "URL",
        summary: "an inference server; again for more (default: those found on this machine)", isList: true)
    static let carrier = OptionSpecification(
        name: "--carrier", value: .hostAndPort, placeholder: "HOST:PORT",
        summary: "nobody can connect to this node: this one carries for it; again for more", isList: true)
    static let systemd = OptionSpecification(
        name: "--systemd", value: .flag, summary: "write a systemd unit beside the configuration")
    static let settingUp: [OptionSpecification] = [
        .listenAPI, .listenMesh, .advertiseAPI, .advertiseMesh, .carrier, .server, .systemd,
    ]
}

/// Functions at Globus Compute.
extension OptionSpecification {
    static let isPublic = OptionSpecification(
        name: "--public", value: .flag, summary: "anybody may run them at endpoints that allow it")
    static let group = OptionSpecification(
        name: "--group", value: .uuid, placeholder: "UUID", summary: "members of this Globus group may run them")
    static let oldWorkers = OptionSpecification(
        name: "--old-workers", value: .flag, summary: "for endpoints of a version before 3.3.0")
    static let taskTimeout = OptionSpecification(
        name: "--timeout-seconds", value: .number(1...86400), placeholder: "SECONDS",
        summary: "how long one task may take, its node's start included", fallback: "300")
}

/// The stand-in inference server's options: where it listens, and a `SimulatedServer`'s fields.
extension OptionSpecification {
    static let address = OptionSpecification(
        name: "--address", value: .address, placeholder: "ADDRESS", summary: "the IP address to listen on",
        fallback: "127.0.0.1")
    static let port = OptionSpecification(
        name: "--port", value: .integer(0...65535), placeholder: "N", summary: "the port; 0 lets the kernel choose",
        isRequired: true)
    static let model = OptionSpecification(
        name: "--model", value: .text, placeholder: "ID", summary: "the model it answers for", isRequired: true)
    static let firstState = OptionSpecification(
        name: "--first-state", value: .choice(Topology.State.allCases.map(\.rawValue)), placeholder: "STATE",
        summary: "what the model is doing at the start", fallback: Topology.State.running.rawValue)
    static let timeToFirstToken = OptionSpecification(
        name: "--time-to-first-token-seconds", value: .number(SimulatedServer.timeToFirstTokenSecondsAllowed),
        placeholder: "SECONDS", summary: "wait before the first token", fallback: "0.2")
    static let tokensPerSecond = OptionSpecification(
        name: "--tokens-per-second", value: .number(SimulatedServer.tokensPerSecondAllowed), placeholder: "N",
        summary: "speed of one request", fallback: "50")
    static let slots = OptionSpecification(
        name: "--slots", value: .integer(SimulatedServer.slotsAllowed), placeholder: "N", summary: "requests run at once",
        fallback: "8")
    static let startup = OptionSpecification(
        name: "--startup-seconds", value: .number(SimulatedServer.startupSecondsAllowed), placeholder: "SECONDS",
        summary: "time until it answers", fallback: "0")
    static let failureRate = OptionSpecification(
        name: "--failure-rate", value: .number(SimulatedServer.failureRateAllowed), placeholder: "SHARE",
        summary: "share of requests that fail, 0 to 1", fallback: "0")
    static let contextTokens = OptionSpecification(
        name: "--context-tokens", value: .integer(ModelDescription.contextTokensAllowed), placeholder: "N",
        summary: "longest context", fallback: "8192")
}

/// The options of the emulation of Globus.
extension OptionSpecification {
    static let emulationConfig = OptionSpecification(
        name: "--config", value: .text, placeholder: "FILE",
        summary: "the clients, users and endpoints that it knows (JSON)",
        isRequired: true)
    static let seed = OptionSpecification(
        name: "--seed", value: .integer(0...Int.max), placeholder: "N",
        summary: "decides every id and token made up (default: another each time)")
}
