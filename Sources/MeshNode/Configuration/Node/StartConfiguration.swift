import Gossip
import Routing

/// `start` of a model: how it is started where it does not run, and for whom.
extension Starter.Settings {
    static let argumentsAllowed = 64
    static let groupsAllowed = 64

    static func decode(_ cursor: ConfigurationCursor) -> Starter.Settings {
        cursor.object { fields in
            var settings = Starter.Settings()
            settings.command = fields["command"].optional { cursor in
                cursor.list(atLeast: 1, atMost: argumentsAllowed) {
                    $0.string(length: 1...4096, allowed: "a program or one of its arguments")
                }
            }
            let names = UniqueNames()
            settings.sites = fields["sites"].list(atMost: StartOffer.sitesAllowed) { item in
                let site = item.holds(StartOffer.any) ? StartOffer.any : item.label()
                names.claim(site, by: item)
                return site
            }
            settings.groups = fields["groups"].list(atMost: groupsAllowed) {
                $0.string(length: 36...36, allowed: "a group's UUID", where: Names.isUUID)
            }
            settings.nodeHoursPerDay = fields["nodeHoursPerDay"].optional { $0.number(in: 0...1_000_000) }
            settings.nodeHours = fields["nodeHours"].number(in: 0...1_000_000, default: settings.nodeHours)
            settings.expectedSeconds = fields["expectedSeconds"].duration(in: 1...604_800, default: settings.expectedSeconds)
            return settings
        }
    }

    func render(_ out: inout ConfigurationWriter) {
        out.object("start") { out in
            if let command { out.field("command", .texts(command)) }
            out.field("sites", .texts(sites))
            if !groups.isEmpty { out.field("groups", .texts(groups)) }
            out.field("nodeHoursPerDay", nodeHoursPerDay.map { .number($0) })
            out.field("nodeHours", .number(nodeHours))
            out.field("expectedSeconds", .number(expectedSeconds))
        }
    }
}

extension ModelConfiguration {
    /// A model behind Globus Compute or a FIRST gateway starts by its first request, which its site's own users may always make; another
    /// server is somebody's to start, unless a command is given.
    var starter: Starter? {
        switch backend {
        case .globusCompute, .first: return Starter(start ?? Starter.Settings())
        case .openAI, .simulated: return start.flatMap { $0.command == nil ? nil : Starter($0) }
        }
    }
}
