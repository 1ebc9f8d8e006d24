public import Gossip
import Synchronization
public import Transport

/// Reaches a node that takes no calls, over one of its carriers: in turn, until one has a connection of it.
public final class CarriedDialler: StreamDialler {
    public struct Carrier: Sendable {
        public let node: NodeID
        /// Its mesh port.
        public let upstream: Upstream

        public init(node: NodeID, upstream: Upstream) {
            self.node = node
            self.upstream = upstream
        }
    }

    private let target: NodeID
    private let me: NodeID
    /// Where this node is a carrier itself.
    private let desk: CarrierDesk?
    private let carriers: Mutex<[Carrier]>
    private let turn = Atomic<Int>(0)

    /// For one carrier; nanoseconds.
    private static let tryNanoseconds: UInt64 = 4_000_000_000
    /// For all of them.
    public static let connectNanoseconds: UInt64 = 12_000_000_000

    public init(to target: NodeID, me: NodeID, carriers: [Carrier], desk: CarrierDesk?) {
        self.target = target
        self.me = me
        self.desk = desk
        self.carriers = Mutex(carriers)
    }

    /// The carriers as of its latest word. Connections that exist go on.
    @inline(never)
    public func setCarriers(_ carriers: [Carrier]) { self.carriers.withLock { $0 = carriers } }

    @inline(never)
    private func inTurn() -> [Carrier] {
        let all = carriers.withLock { $0 }
        guard !all.isEmpty else { return [] }
        let first = Int(truncatingIfNeeded: UInt(bitPattern: turn.add(1, ordering: .relaxed).oldValue) % UInt(all.count))
        return Array(all[first...] + all[..<first])
    }

    public func dial(
        with dialler: Dialler, for client: Stream?, deadline: UInt64
    ) async throws(TransportError) -> Stream {
        var reasons: [String] = []
        for carrier in inTurn() {
            let limit = min(deadline, dialler.loop.now &+ Self.tryNanoseconds)
            do throws(TransportError) {
                return try await dial(over: carrier, dialler, for: client, deadline: limit)
            } catch {
                if error.code == .cancelled || dialler.loop.now >= deadline { throw error }
                reasons.append("\(carrier.node): \(error.message)")
            }
        }
        guard !reasons.isEmpty else {
            throw TransportError(.connectionLost, "\(target) takes no calls, and no carrier of it is known just now")
        }
        throw TransportError(.connectionLost, "no carrier reaches \(target): \(reasons.joined(separator: "; "))")
    }

    private func dial(
        over carrier: Carrier, _ dialler: Dialler, for client: Stream?, deadline: UInt64
    ) async throws(TransportError) -> Stream {
        if carrier.node == me {
            guard let desk,
                let stream = await desk.takeSoon(target, on: dialler.loop, isWanted: { client?.peerHungUp != true })?
                    .stream(on: dialler.loop)
            else {
                throw TransportError(.connectionLost, "it has nothing parked here")
            }
            try client?.begin(stream)
            return stream
        }
        return try await dialler.switched(
            over: carrier.upstream, target: MeshPort.carryPath.description,
            fields: [(MeshPort.targetField, target.description)], for: client, deadline: deadline,
            checkPeer: { (stream) throws(TransportError) in
                guard stream.peerIdentity as? NodeID == carrier.node else {
                    throw TransportError(.tls, "another node answers where \(carrier.node) was expected")
                }
            })
    }
}
