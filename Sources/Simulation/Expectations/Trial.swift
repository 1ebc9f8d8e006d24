import Gossip

/// An expectation that something comes to be within a time: since when it is awaited, and when it was met.
struct Trial {
    private let kind: Expectation.Kind
    /// Whom it is about.
    private(set) var members: [Int] = []
    private let isMember: [Bool]
    /// For each observer, how many of what is asked for it shows.
    private var shown: [Int]
    private var isShown: [[Bool]] = []
    private var items: [(origin: Int, kind: RecordKind, version: Version)] = []
    var beganAt: UInt64?
    var metAt: UInt64?

    init(_ kind: Expectation.Kind, groups: [String: [Int]], nodes: Int) {
        self.kind = kind
        var isMember = Array(repeating: false, count: nodes)
        shown = Array(repeating: 0, count: nodes)
        if case .detected(let group, let states, _, _, _) = kind {
            members = groups[group] ?? []
            for member in members { isMember[member] = true }
            let atFirst = states.contains(.dead) || states.contains(.left)
            isShown = members.map { _ in Array(repeating: atFirst, count: nodes) }
            if atFirst { shown = Array(repeating: members.count, count: nodes) }
        }
        self.isMember = isMember
    }

    var isConvergence: Bool { if case .converged = kind { true } else { false } }

    /// Whether something is to come to be within a time.
    var isTimed: Bool {
        switch kind {
        case .converged, .seen, .detected: true
        default: false
        }
    }

    var isOpen: Bool { beganAt != nil && metAt == nil }

    func begins(with mark: String?) -> Bool {
        switch kind {
        case .converged(let after, _): after == mark
        case .detected(_, _, _, let after, _): after == mark
        case .seen(let seen, _, _): seen == mark
        default: false
        }
    }

    func isSeen(mark: String) -> Bool { if case .seen(mark, _, _) = kind { true } else { false } }

    mutating func add(_ item: (origin: Int, kind: RecordKind, version: Version)) {
        items.append(item)
        isShown.append(Array(repeating: false, count: shown.count))
        // Its origin has it from the start.
        set(items.count - 1, item.origin, true)
    }

    mutating func note(_ observer: Int, _ origin: Int, _ sight: Sight) {
        switch kind {
        case .detected(_, let states, _, _, _):
            guard let index = members.firstIndex(of: origin) else { return }
            let gone = sight.state == nil && (states.contains(.dead) || states.contains(.left))
            set(index, observer, gone || sight.state.map(states.contains) ?? false)
        case .seen:
            for (index, item) in items.enumerated() where item.origin == origin {
                let held = Version(generation: sight.generation, sequence: sight.digest[item.kind])
                set(index, observer, held >= item.version)
            }
        default: break
        }
    }

    mutating func clear(_ observer: Int) {
        var atFirst = false
        if case .detected(_, let states, _, _, _) = kind { atFirst = states.contains(.dead) || states.contains(.left) }
        for index in isShown.indices { set(index, observer, atFirst) }
    }

    func holds(_ voters: [Bool], _ voterCount: Int) -> Bool {
        let share: Double
        switch kind {
        case .detected(_, _, let wanted, _, _): share = wanted
        case .seen(_, let wanted, _): share = wanted
        default: return false
        }
        guard !isShown.isEmpty else { return false }
        var asked = 0
        var agreeing = 0
        for observer in voters.indices where voters[observer] && !isMember[observer] {
            asked += 1
            agreeing += shown[observer] == isShown.count ? 1 : 0
        }
        return asked > 0 && Double(agreeing) >= share * Double(asked)
    }

    private mutating func set(_ index: Int, _ observer: Int, _ isNow: Bool) {
        guard isShown[index][observer] != isNow else { return }
        isShown[index][observer] = isNow
        shown[observer] += isNow ? 1 : -1
    }
}
