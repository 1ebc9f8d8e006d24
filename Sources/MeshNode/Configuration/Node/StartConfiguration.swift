import Gossip
import Routing

/// `start` of a model: how it is started where it does not run, and for whom.
extension Starter.Settings {
    static let argumentsAllowed = 64
    static let groupsAllowed = 64

    static let secondsAllowed = 1.0...604_800.0
    static let idleSecondsAllowed = 1.0...2_592_000.0

    /// - Parameter isByCommand: nothing else starts the model.
    static func decode(_ cursor: ConfigurationCursor, isByCommand: Bool) -> Starter.Settings {
        cursor.object { fields in
            var settings = Starter.Settings()
            settings.command = fields["command"].optional(program)
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
            settings.expectedSeconds = fields["expectedSeconds"].optional { $0.duration(in: secondsAllowed, default: 1) }
            settings.isKept = fields["keep"].boolean(default: false)
            settings.stop = fields["stop"].optional(program)
            settings.idleSeconds = fields["idleSeconds"].optional { $0.duration(in: idleSecondsAllowed, default: 1) }
            for (one, other) in [("stop", "idleSeconds"), ("idleSeconds", "stop")]
            where fields[one].isPresent && !fields[other].isPresent {
                fields[one].fail("stands without \(other); allowed: both or neither")
            }
            if isByCommand, !fields["command"].isPresent {
                for key in ["keep", "stop"] where fields[key].isPresent {
                    fields[key].fail("stands without command, and nothing else starts this model; allowed: beside a command")
                }
            }
            return settings
        }
    }

    private static func program(_ cursor: ConfigurationCursor) -> [String] {
        cursor.list(atLeast: 1, atMost: argumentsAllowed) {
            $0.string(length: 1...4096, allowed: "a program or one of its arguments")
        }
    }

    func render(_ out: inout ConfigurationWriter) {
        out.object("start") { out in
            if let command { out.field("command", .texts(command)) }
            out.field("sites", .texts(sites))
            if !groups.isEmpty { out.field("groups", .texts(groups)) }
            out.field("nodeHoursPerDay", nodeHoursPerDay.map { .number($0) })
            out.field("nodeHours", .number(nodeHours))
            out.field("expectedSeconds", expectedSeconds.map { .number($0) })
            if isKept { out.line("keep: true,") }
            if let stop { out.field("stop", .texts(stop)) }
            out.field("idleSeconds", idleSeconds.map { .number($0) })
        }
    }
}

extension ModelConfiguration {
    /// A model behind Globus Compute or a FIRST gateway starts by its first request, which its site's own users may always make; another
    /// server is somebody's to start, unless a command is given.
    var starter: Starter? {
        if backend.startsByRequest { return Starter(start ?? Starter.Settings()) }
        return start.flatMap { $0.command == nil ? nil : Starter($0) }
    }
}

extension BackendConfiguration {
    /// A first request makes a scheduler start what is behind it.
    var startsByRequest: Bool {
        switch self {
        case .globusCompute, .first: true
        case .openAI, .simulated: false
        }
    }
}

extension Topology.Backend {
    var startsByRequest: Bool {
        switch self {
        case .given(let backend): backend.startsByRequest
        case .emulatedGlobus: true
        case .simulated: false
        }
    }
}
