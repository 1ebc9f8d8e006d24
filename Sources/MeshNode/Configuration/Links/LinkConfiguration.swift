import Gossip
import Routing

/// A link with another federation.
struct LinkConfiguration: Equatable, Sendable {
    static let gatewaysAllowed = 16

    var link: LinkedFederation
    /// Its roots, PEM; an absolute path. Read anew when it changes; the link waits while it is not there.
    var caFile: String
    /// Mesh addresses of its nodes to ask; none: it only asks us.
    var gateways: [HostAndPort] = []
}

extension LinkConfiguration {
    static func decode(_ cursor: ConfigurationCursor, own: ConfigurationCursor) -> [LinkConfiguration] {
        let names = UniqueNames()
        return cursor.list(atMost: LinkedFederation.allowed) { item in
            item.object { fields in
                let federation = fields["federation"].federation()
                names.claim(federation, by: fields["federation"])
                if own.holds(federation), !federation.isEmpty {
                    fields["federation"].fail(
                        "found \(fields["federation"].found), which is this node's own; allowed: another's")
                }
                var link = LinkedFederation(federation: federation)
                if fields["offers"].isPresent {
                    fields["offers"].object { offers in
                        link.offers = models(offers["models"])
                        link.users = AccessRule.decodeUsers(offers)
                    }
                }
                link.takes = models(fields["takes"])
                link.vouches = fields["vouches"].list(atMost: Vouching.domainsAllowed) { $0.domainOrAny() }
                return LinkConfiguration(
                    link: link, caFile: fields["caFile"].futureFile(),
                    gateways: fields["gateways"].list(atMost: gatewaysAllowed) { $0.hostAndPort() })
            }
        }
    }

    private static func models(_ cursor: ConfigurationCursor) -> [String] {
        let names = UniqueNames()
        return cursor.list(atMost: LinkedFederation.modelsAllowed) { item in
            let name = item.holds(LinkedFederation.any) ? LinkedFederation.any : item.modelName()
            names.claim(name, by: item)
            return name
        }
    }

    func render(_ out: inout ConfigurationWriter) {
        out.field("federation", .text(link.federation))
        out.field("caFile", .text(caFile))
        out.field("gateways", .texts(gateways.map(\.description)))
        if !link.offers.isEmpty || !link.users.isEmpty {
            out.object("offers") { out in
                out.field("models", .texts(link.offers))
                link.users.renderUsers(&out)
            }
        }
        if !link.takes.isEmpty { out.field("takes", .texts(link.takes)) }
        if !link.vouches.isEmpty { out.field("vouches", .texts(link.vouches)) }
    }
}

extension ConfigurationCursor {
    /// The absolute path of a file that may come later.
    func futureFile() -> String {
        let path = string(length: 1...4096, allowed: "the path of a file")
        return path.isEmpty ? "" : ConfigurationFile.resolve(path, in: decoding.directory)
    }
}

extension ConfigurationCursor {
    /// A site's name; one of a linked federation is `FEDERATION:SITE`.
    func siteName() -> String {
        string(length: 1...320, allowed: "a site such as site-a, or of a linked federation FEDERATION:SITE") { text in
            let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard let site = parts.last, Names.isLabel(site), parts.count <= 2 else { return false }
            return parts.count == 1
                || parts[0].split(separator: ".", omittingEmptySubsequences: false).allSatisfy { Names.isLabel(String($0)) }
        }
    }
}
