import Gossip

/// One life of a node: its machine, which is large, and so is used where it is and never copied.
final class Life {
    /// For what is asked seldom: each use copies it.
    private(set) var machine: GossipMachine
    /// When the machine is to be called.
    private(set) var nextTick: UInt64
    /// Rounds that it has begun.
    private(set) var rounds: UInt64 = 0

    init(_ machine: GossipMachine) {
        self.machine = machine
        nextTick = machine.nextTick.nanoseconds
    }

    func handle(_ handler: (inout GossipMachine) -> [Directive]) -> [Directive] {
        let directives = Life.inPlace(&machine, handler)
        nextTick = Life.inPlace(&machine) { $0.nextTick.nanoseconds }
        rounds = Life.inPlace(&machine) { $0.counters.ticks }
        return directives
    }

    func sighting(of id: NodeID) -> Sighting? { Life.inPlace(&machine) { $0.sighting(of: id) } }

    func heldRecord(_ kind: RecordKind, of id: NodeID) -> SignedRecord? {
        Life.inPlace(&machine) { $0.heldRecord(kind, of: id) }
    }

    func recordBytes(of id: NodeID) -> Int { Life.inPlace(&machine) { $0.recordBytes(of: id) } }
    var recordBytes: Int { Life.inPlace(&machine) { $0.recordBytes } }
    var nodeCount: Int { Life.inPlace(&machine) { $0.nodeCount } }
    var tombstoneCount: Int { Life.inPlace(&machine) { $0.tombstoneCount } }
    var generation: UInt64 { Life.inPlace(&machine) { $0.generation } }

    private static func inPlace<Result>(
        _ machine: inout GossipMachine, _ body: (inout GossipMachine) -> Result
    ) -> Result { body(&machine) }
}
