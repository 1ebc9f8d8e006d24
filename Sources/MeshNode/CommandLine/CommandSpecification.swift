/// The commands of the program; the raw value is what is typed.
enum CommandName: String, CaseIterable, Sendable {
    case demo, up, simulate, serve, status, models, route, receipts, peers, check, doctor, login, token, logout
    case keysCreate = "keys create"
    case keysList = "keys list"
    case keysRevoke = "keys revoke"
    case federationCreate = "federation create"
    case federationInvite = "federation invite"
    case federationJoin = "federation join"
    case federationSign = "federation sign"
    case block, unblock, blocks, isolate
    case auditList = "audit list"
    case auditVerify = "audit verify"
    case federationMembers = "federation members"
    case federationRenew = "federation renew"
    case federationRevoke = "federation revoke"
    case federationRollover = "federation rollover"
    case federationSiteRoot = "federation site-root"
    case globusRegister = "globus register"
    case globusCheck = "globus check"
    case emulateInference = "emulate inference"
    case emulateGlobus = "emulate globus"

    var words: [String] { rawValue.split(separator: " ").map(String.init) }
}

/// An argument known by its place.
struct PositionalSpecification: Hashable, Sendable {
    /// As help names it: `TOPOLOGY`.
    var name: String
    var summary: String
}

/// A command as declared: help and parsing both follow from it.
struct CommandSpecification: Sendable {
    var name: CommandName
    var summary: String
    var discussion = ""
    /// All of them are required, but for the last where `lastIsOptional`.
    var positionals: [PositionalSpecification] = []
    var lastIsOptional = false
    /// The last may be given more than once.
    var lastRepeats = false
    var options: [OptionSpecification] = []
    /// Stand-ins for tests and demonstrations, listed apart.
    var isStandIn = false
}

extension CommandSpecification {
    static let topology = PositionalSpecification(name: "TOPOLOGY", summary: "a topology file, such as topology/demo.json5")
    static let scenario = PositionalSpecification(
        name: "SCENARIO", summary: "a scenario such as topology/scenarios/ghost.json5, or a study of topology/routing")
    static let model = PositionalSpecification(
        name: "MODEL", summary: "a model's id or alias, as the models command lists it")
    static let receipt = PositionalSpecification(
        name: "ID", summary: "one receipt, by its id or its request's (X-Request-Id)")
    static let file = PositionalSpecification(
        name: "FILE", summary: "a node's configuration, a topology, a scenario or a study")

    static let keyName = PositionalSpecification(name: "NAME", summary: "what the key is for, in your words")
    static let keyID = PositionalSpecification(name: "ID", summary: "the key's id, as keys list shows it")

    static let federationName = PositionalSpecification(
        name: "NAME", summary: "the federation's name, for good: it stands in every certificate")
    static let invitedSite = PositionalSpecification(name: "SITE", summary: "the name that the site will have")
    static let invitation = PositionalSpecification(
        name: "TOKEN", summary: "the invitation; - reads it from standard input, where ps does not show it")
    static let request = PositionalSpecification(
        name: "FILE", summary: "what join --csr-out wrote at the facility; - for standard input")
    static let blockKind = PositionalSpecification(name: "KIND", summary: "peer, user, key or model")
    static let blockSubject = PositionalSpecification(
        name: "SUBJECT", summary: "SITE or SITE/NODE, a user's name or subject, a key's id or a token's name, a model's id")
    static let blockOrKind = PositionalSpecification(name: "ID", summary: "a block's id, as blocks lists it, or its kind")
    static let unblockSubject = PositionalSpecification(name: "SUBJECT", summary: "behind a kind: what is blocked")
    static let member = PositionalSpecification(name: "MEMBER", summary: "SITE, or one of its nodes: SITE/NODE")
    static let ownedSite = PositionalSpecification(name: "SITE", summary: "a site that has an authority of its own")
    static let rolloverPhase = PositionalSpecification(
        name: "PHASE", summary: "start, status, switch or finish, in this order")

    private static let asking: [OptionSpecification] = [.node, .tokenFile, .json]
    private static let needsToken = "Needs the role viewer: by meshnode login, the variable MESHNODE_TOKEN or a file."
    private static let needsOperator = "Needs the role operator."
    private static let isYours = "For whoever is logged in; MESHNODE_TOKEN or a file do as well."

    /// Every command, in the order of help.
    static let all: [CommandSpecification] = [
        CommandSpecification(
            name: .demo, summary: "three sites on this machine, ready to use",
            discussion: "Starts topology/demo.json5 on free ports and says what to try. Ctrl-C ends it all."),
        CommandSpecification(
            name: .up, summary: "run a federation described in a file, a process a node",
            discussion: "Ready when every node knows every other's models; 60 s at most. When it ends, its nodes end.",
            positionals: [topology], options: [.state, .readyFile, .restart]),
        CommandSpecification(
            name: .simulate, summary: "run scenarios and studies; did what they expect hold?",
            discussion: """
                Real gossip between nodes of a virtual network, or real routing between virtual sites, in virtual time; the same \
                seed does the same to the byte. Exit 1 if something expected did not hold: the last line says what, at which step \
                and with which seed. docs/simulation.md explains the files.
                """,
            positionals: [scenario], lastRepeats: true, options: [.simulationSeed, .simulationSeeds, .json, .trace]),
        CommandSpecification(
            name: .serve, summary: "run one node", discussion: "docs/configuration.md explains the file; check tests it.",
            options: [.config]),
        CommandSpecification(
            name: .status, summary: "show the federation as one node sees it", discussion: needsToken, options: asking),
        CommandSpecification(
            name: .models, summary: "list the models and where they are", discussion: needsToken, options: asking),
        CommandSpecification(
            name: .route, summary: "show where a request for a model would go, and why", discussion: needsToken,
            positionals: [model], options: [.routedUser, .routedTokens, .explain] + asking),
        CommandSpecification(
            name: .receipts, summary: "show where requests went, and why",
            discussion:
                "The latest, and those that are kept; with ID one in words. docs/receipts.md explains them. \(needsToken)",
            positionals: [receipt], lastIsOptional: true,
            options: [.receiptLimit, .receiptModel, .receiptSite, .receiptReason, .receiptOutcome, .receiptSince, .replay]
                + asking),
        CommandSpecification(
            name: .peers, summary: "list the other nodes and the links to them", discussion: needsToken, options: asking),
        CommandSpecification(
            name: .check, summary: "say what is wrong in a configuration, topology, scenario or study",
            discussion: """
                Exit 0 if nothing is, 2 otherwise. Files that it names must be readable.

                With --policy it tells instead where a user's requests for a model may run and why not elsewhere: as a running \
                node sees it (role viewer), or for the models of FILE alone. Exit 1 if they may run nowhere.
                """,
            positionals: [file], lastIsOptional: true,
            options: [.json, .policy, .asUser, .policyModel, .domain, .groups, .dataClass, .node, .tokenFile]),
        CommandSpecification(
            name: .doctor, summary: "say what keeps a node from working, and what to do about it",
            discussion: "For a node that runs and for one that was not started yet; exit 1 if something fails.",
            options: [.doctorConfig, .firewall, .json]),
        CommandSpecification(
            name: .login, summary: "log in at a federation, by your browser",
            discussion: "Asks consent for all sites at once; the tokens are kept in ~/.config/meshnode/tokens.json.",
            options: [.node, .local, .noBrowser, .force]),
        CommandSpecification(
            name: .token, summary: "print an access token: OPENAI_API_KEY=$(meshnode token)",
            discussion: "Renewed when less than 10 minutes are left. How long it lasts is said on standard error.",
            options: [.node, .federation, .json, .force]),
        CommandSpecification(
            name: .logout, summary: "revoke and delete the tokens of your logins", options: [.federation]),
        CommandSpecification(
            name: .keysCreate, summary: "make an API key, for tools that take one key",
            discussion: "The key is printed this once. \(isYours)", positionals: [keyName],
            options: [.days, .keyModel, .project, .tokensPerDay, .network] + asking),
        CommandSpecification(
            name: .keysList, summary: "list your API keys", discussion: isYours, options: [.all] + asking),
        CommandSpecification(
            name: .keysRevoke, summary: "end an API key at once", discussion: isYours, positionals: [keyID],
            options: [.node, .tokenFile]),
        CommandSpecification(
            name: .federationCreate, summary: "found a federation: its root, issuer and trust bundle",
            discussion:
                "With --site it sets up the first node too, which takes the others in. The root's key is encrypted by the "
                + "passphrase in MESHNODE_PASSPHRASE or --passphrase-file, or asked for. docs/join.md explains it.",
            positionals: [federationName],
            options: [
                .foundingDirectory, .validDays, .passphraseFile, .keyURI, .caCertificate, .caKey, .requestOut,
                .certificateIn,
                .firstSite, .nodeName, .nodeDirectory, .vouchedDomain,
            ] + OptionSpecification.settingUp + [.json]),
        CommandSpecification(
            name: .federationInvite, summary: "invite a site: prints the token for its facility",
            discussion: "Asks a registration authority (--node). Needs the role operator.", positionals: [invitedSite],
            options: [.nodes, .expires, .vouchedDomain, .addNodes, .inviteAddress] + asking),
        CommandSpecification(
            name: .federationJoin, summary: "join a federation by an invitation",
            discussion:
                "Makes the key here, has it certified, writes node.json5 with what it found on this machine, and checks it. "
                + "Interrupted, the same command goes on. With an authority that is offline: --csr-out, then --cert-in.",
            positionals: [invitation], lastIsOptional: true,
            options: [.nodeName, .joinDirectory] + OptionSpecification.settingUp + [
                .requestOut, .certificateIn, .pin, .joiningSite, .joiningFederation, .json,
            ]),
        CommandSpecification(
            name: .federationSign, summary: "certify a node by hand, where the issuer is kept offline",
            discussion: "Writes what the facility gives to join --cert-in.", positionals: [request],
            options: [.signingDirectory, .signedSite, .signedNode, .vouchedDomain, .nodes, .seedNode, .out]),
        CommandSpecification(
            name: .block, summary: "block a peer, user, key or model at one node, at once",
            discussion: "Requests under way end within 5 s with an error that says so. Kept over restarts. \(needsOperator)",
            positionals: [blockKind, blockSubject], options: [.blockReason, .duration] + asking),
        CommandSpecification(
            name: .unblock, summary: "lift a block: unblock ID, or unblock KIND SUBJECT", discussion: needsOperator,
            positionals: [blockOrKind, unblockSubject], lastIsOptional: true, options: asking),
        CommandSpecification(
            name: .blocks, summary: "list what is blocked at a node", discussion: needsOperator, options: asking),
        CommandSpecification(
            name: .isolate, summary: "let a node serve its own users by its own models alone",
            discussion: "Nothing of other nodes' is run, and nothing sent to them. Kept over restarts. \(needsOperator)",
            options: [.blockReason, .duration, .off] + asking),
        CommandSpecification(
            name: .auditList, summary: "show the newest entries of a node's audit log", discussion: needsOperator,
            options: [.limit, .after] + asking),
        CommandSpecification(
            name: .auditVerify, summary: "check the audit log, by itself and against what others witnessed",
            discussion: "Reads the files, on the node's own machine. Exit 1, with the first entry that is wrong, if one is.",
            options: [.config, .witness, .tokenFile, .json]),
        CommandSpecification(
            name: .federationMembers, summary: "list who is in the federation, and what is revoked", discussion: needsToken,
            options: asking),
        CommandSpecification(
            name: .federationRenew, summary: "have a node renew its certificate now",
            discussion: "Nodes do so by themselves at half life. Needs the role operator.", options: asking),
        CommandSpecification(
            name: .federationRevoke, summary: "end a site's or a node's place in the federation",
            discussion:
                "Through a registration authority (--node); or signed here by the federation's issuer (--directory) and "
                + "handed to any node. Needs the role operator.", positionals: [member],
            options: [.reason, .directory] + asking),
        CommandSpecification(
            name: .federationRollover, summary: "let a new root take over from the old",
            discussion:
                "start: both roots; switch: certificates under the new one; finish: the old root is dropped. Each is "
                + "refused until every node that is alive has come along. docs/trust.md explains it. Needs the role operator.",
            positionals: [rolloverPhase],
            options: [.directory, .passphraseFile, .keyURI, .nextKeyURI, .waitSeconds] + asking),
        CommandSpecification(
            name: .federationSiteRoot, summary: "let a site's own authority certify its nodes",
            discussion:
                "A new bundle, signed by the federation's root: that authority is good for the nodes of SITE and for no other name. "
                + "Needs the role operator.",
            positionals: [ownedSite],
            options: [.siteRoot, .removed, .directory, .passphraseFile, .keyURI] + asking),
        CommandSpecification(
            name: .globusRegister, summary: "register our functions with Globus Compute, once",
            discussion: "Their ids are kept in the node's state directory; a second run registers nothing new.",
            options: [.config, .isPublic, .group, .oldWorkers, .force, .json]),
        CommandSpecification(
            name: .globusCheck, summary: "try what requests through Globus Compute need, step by step",
            discussion: "Token, endpoints, functions, a task, one token of each model; exit 1 if a step fails.",
            options: [.config, .taskTimeout, .json]),
        CommandSpecification(
            name: .emulateInference, summary: "a simulated inference server, as topologies use them",
            discussion: "Answers with made-up text and says so in every answer.",
            options: [
                .address, .port, .readyFile, .model, .firstState, .timeToFirstToken, .tokensPerSecond, .slots, .startup,
                .failureRate, .contextTokens,
            ],
            isStandIn: true),
        CommandSpecification(
            name: .emulateGlobus, summary: "an emulation of Globus Auth, Groups and Compute",
            discussion: "Speaks their wire formats on one address and runs functions in real Python. Every answer says so.",
            options: [.address, .port, .readyFile, .emulationConfig, .seed], isStandIn: true),
    ]
}
