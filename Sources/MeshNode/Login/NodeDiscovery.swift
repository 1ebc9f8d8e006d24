import FoundationEssentials

/// What a node tells anybody at `/.well-known/meshnode`: which federation it belongs to, and where its users log in.
struct NodeDiscovery: Decodable, Equatable, Sendable {
    struct Authentication: Decodable, Equatable, Sendable {
        var authorizationServer: String?
        var nativeClientId: String?
        var scopes: [SiteScope]?
    }

    var federation: String
    var site: String
    var node: String
    var authentication: Authentication

    static let path = "/.well-known/meshnode"
    /// Bytes of an answer, and sites and addresses that one may name.
    static let answerBytes = 1 << 20
    static let sitesAllowed = 1024
    static let addressesAllowed = 64

    /// Reads a node's answer, which is believed in nothing: it may be no node at all.
    static func read(_ body: [UInt8], from node: String) throws(CommandFailure) -> NodeDiscovery {
        guard let found = try? JSONDecoder().decode(NodeDiscovery.self, from: Data(body)) else {
            throw CommandFailure(exitCode: 1, message: "\(node) does not answer as a MeshNode does: is the address right?")
        }
        guard Names.isVisible(found.federation), Names.isVisible(found.site), found.federation.utf8.count <= 256 else {
            throw CommandFailure(exitCode: 1, message: "\(node) gives no names for its federation and site")
        }
        return found
    }

    /// Where to log in, checked.
    ///
    /// - Throws: where the node knows no login, or one that would send secrets over an open network.
    func login(at node: String) throws(CommandFailure) -> (server: String, clientID: String, sites: [SiteScope]) {
        guard let server = authentication.authorizationServer, let client = authentication.nativeClientId,
            let scopes = authentication.scopes, !scopes.isEmpty
        else {
            throw CommandFailure(
                exitCode: 1,
                message: "\(node) has no login: ask who runs it for a token, and put that into MESHNODE_TOKEN")
        }
        guard let address = WebAddress(server), address.path.isEmpty || address.path == "/",
            address.scheme == "https" || address.isLoopback
        else {
            throw CommandFailure(
                exitCode: 1, message: "\(node) names \(Quoting.excerpt(server)) for logging in, which is not https")
        }
        // What another site says of itself may be wrong: that is no reason to have no login here.
        let sites = scopes.prefix(Self.sitesAllowed).compactMap(\.sound)
        guard Names.isVisible(client), client.utf8.count <= 256, !sites.isEmpty else {
            throw CommandFailure(exitCode: 1, message: "\(node) says of its login what cannot be used")
        }
        return (address.origin, client, sites)
    }
}

/// The scope that a site's tokens must have, and the addresses of its nodes.
struct SiteScope: Codable, Equatable, Sendable {
    var site: String
    var scope: String
    var apis: [String]

    /// A scope is one word of RFC 6749 §3.3; more would ask the user's consent for what nobody sees.
    /// nil for what is none; addresses that are none are left out.
    fileprivate var sound: SiteScope? {
        let isWord = scope.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        guard !scope.isEmpty, scope.utf8.count <= 512, isWord, Names.isVisible(site), site.utf8.count <= 256 else {
            return nil
        }
        let known = apis.filter { WebAddress($0) != nil }.prefix(NodeDiscovery.addressesAllowed)
        return SiteScope(site: site, scope: scope, apis: Array(known))
    }
}

extension WebAddress {
    /// Scheme, host and port in one spelling, for comparison; a path is left out.
    var origin: String {
        let name = host.contains(":") ? "[\(host.lowercased())]" : host.lowercased()
        return port == (scheme == "https" ? 443 : 80) ? "\(scheme)://\(name)" : "\(scheme)://\(name):\(port)"
    }

    /// Whether calls stay on this machine.
    var isLoopback: Bool {
        if host.lowercased() == "localhost" { return true }
        guard let bytes = AddressBytes.parse(host).map(AddressBytes.plain) else { return false }
        return bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
    }
}
