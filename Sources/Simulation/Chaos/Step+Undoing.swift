import Gossip

extension Step.Action {
    /// What a step undoes, and what it makes: a script without the trouble needs no remedy, but not the other way round.
    enum Sort: Hashable {
        case absence, standstill, slowness, clock, wiring, clog, weather, disk, hostility
    }

    /// The trouble that it makes.
    var makes: Sort? {
        switch self {
        case .crash, .leave: .absence
        case .pause: .standstill
        case .slow(_, let seconds): seconds == nil ? nil : .slowness
        case .clock(_, let offset, let drift): offset == 0 && drift == 0 ? nil : .clock
        case .partition, .cut: .wiring
        case .clog(_, let isOn): isOn ? .clog : nil
        case .diskFull(_, let isFull): isFull ? .disk : nil
        case .misbehave(_, let misbehaviour): misbehaviour == nil ? nil : .hostility
        default: nil
        }
    }

    /// The trouble that it ends.
    func undoes(usual network: NetworkModel) -> Set<Sort> {
        switch self {
        case .start: [.absence]
        case .resume: [.standstill]
        case .slow(_, nil): [.slowness]
        case .clock(_, 0, 0): [.clock]
        case .heal: [.wiring, .clog]
        case .clog(_, false): [.clog]
        case .diskFull(_, false): [.disk]
        case .misbehave(_, nil): [.hostility]
        case .network(let model): model == network ? [.weather] : []
        default: []
        }
    }

    /// The moment that it names.
    var mark: String? {
        switch self {
        case .mark(let name): name
        case .publish(_, _, let mark): mark
        default: nil
        }
    }

    /// Groups that it is about; empty: all.
    var groups: [String] {
        switch self {
        case .start(let group, _), .crash(let group, _), .leave(let group), .pause(let group), .resume(let group),
            .slow(let group, _), .clock(let group, _, _), .publish(let group, _, _), .storm(let group, _, _),
            .clog(let group, _), .diskFull(let group, _), .damageDisk(let group), .renew(let group, _),
            .trust(let group, _, _), .version(let group, _), .misbehave(let group, _):
            [group]
        case .partition(let groups): groups
        case .cut(let from, let to): [from, to]
        case .heal, .network, .mark: []
        }
    }
}
