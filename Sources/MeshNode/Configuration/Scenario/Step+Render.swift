import Gossip
import Simulation

extension Step {
    /// - Parameter base: the scenario's network, from which a step's differs.
    func row(_ base: NetworkModel) -> ConfigurationRow {
        var row = ConfigurationRow()
        row.field("atSeconds", at)
        row.field("do", kind.rawValue)
        switch action {
        case .start(let group, let disk):
            row.field("group", group)
            if disk != .kept { row.field("disk", disk.rawValue) }
        case .crash(let group, let isSilent):
            row.field("group", group)
            row.field("silent", isSilent, default: false)
        case .leave(let group), .pause(let group), .resume(let group), .clog(let group, _), .damageDisk(let group):
            row.field("group", group)
        case .slow(let group, let seconds):
            row.field("group", group)
            row.field("seconds", seconds)
        case .clock(let group, let offset, let drift):
            row.field("group", group)
            row.field("offsetSeconds", offset)
            row.field("driftPartsPerMillion", drift == 0 ? nil : drift)
        case .publish(let group, let publication, let mark):
            row.field("group", group)
            row.field("what", publication.rawValue)
            row.field("mark", mark)
        case .storm(let group, let every, let length):
            row.field("group", group)
            row.field("everySeconds", every)
            row.field("forSeconds", length)
        case .partition(let groups): row.field("groups", groups)
        case .cut(let from, let to):
            row.field("from", from)
            row.field("to", to)
        case .heal: break
        case .network(let model):
            let fields = model.fields(from: base).map { "\($0.key): \($0.value)" }
            row.field("network", raw: fields.isEmpty ? "{}" : "{ \(fields.joined(separator: ", ")) }")
        case .diskFull(let group, let isFull):
            row.field("group", group)
            row.field("full", isFull, default: true)
        case .renew(let group, let underNewRoot):
            row.field("group", group)
            row.field("underNewRoot", underNewRoot, default: false)
        case .trust(let group, let oldRoot, let newRoot):
            row.field("group", group)
            row.field("oldRoot", oldRoot, default: true)
            row.field("newRoot", newRoot, default: true)
        case .version(let group, let version):
            row.field("group", group)
            row.field("version", Int(version))
        case .misbehave(let group, let how):
            row.field("group", group)
            row.field("how", how?.rawValue)
        case .mark(let name): row.field("name", name)
        }
        return row
    }

    private var kind: Kind {
        switch action {
        case .start: .start
        case .crash: .crash
        case .leave: .leave
        case .pause: .pause
        case .resume: .resume
        case .slow: .slow
        case .clock: .clock
        case .publish: .publish
        case .storm: .storm
        case .partition: .partition
        case .cut: .cut
        case .clog(_, let isOn): isOn ? .clog : .unclog
        case .heal: .heal
        case .network: .network
        case .diskFull: .diskFull
        case .damageDisk: .damageDisk
        case .renew: .renew
        case .trust: .trust
        case .version: .version
        case .misbehave: .misbehave
        case .mark: .mark
        }
    }
}
