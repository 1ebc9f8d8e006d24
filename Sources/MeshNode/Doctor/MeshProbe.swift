import CLinux
import FoundationEssentials
import Gossip
import Routing
import Transport

/// One call of a peer's mesh port: who answers, what its clock says, and whether it reaches this node.
struct MeshProbe: Sendable {
    struct Answer: Sendable {
        var peer: NodeID
        var roundTripSeconds: Double
        /// How far the peer's clock is ahead of this machine's.
        var aheadSeconds: Double
        /// nil where it was not asked, or does not dial anybody.
        var dialledBack: (result: DialBack.Result, address: String)?
        /// Its status, where that is not 200.
        var status: Int
    }

    let upstream: Upstream
    /// Where this node listens, for a peer that does not know it yet.
    let port: Int

    /// The peer itself may wait for `DialBack.Limits.timeout`.
    private static let nanoseconds: UInt64 = 15_000_000_000

    func run(_ pool: ConnectionPool) async throws(TransportError) -> Answer {
        var peer: NodeID?
        let began = mesh_monotonic_ns()
        var sent = began
        let answer = try await pool.request(
            upstream, method: "POST", target: MeshPort.dialBackPath.description,
            fields: [("Content-Type", "application/json")], body: Array(#"{"port":\#(port)}"#.utf8), limit: 4096,
            deadline: began &+ Self.nanoseconds
        ) { (stream) throws(TransportError) in
            peer = stream.peerIdentity as? NodeID
            sent = mesh_monotonic_ns()
        }
        let now = mesh_monotonic_ns()
        guard let peer else { throw TransportError(.tls, "what answers there proves no name") }
        var found = Answer(
            peer: peer, roundTripSeconds: Double(sent - began) / 1e9, aheadSeconds: 0, dialledBack: nil,
            status: answer.status)
        if let said = try? JSONDecoder().decode(MeshPort.DialBackAnswer.self, from: Data(answer.body)) {
            found.dialledBack = (said.result, said.dialled)
            // It looks at its clock as it answers: only the way back lies between.
            let ours = Double(mesh_realtime_ns() - (mesh_monotonic_ns() - now)) / 1e9
            found.aheadSeconds = Double(said.at) / 1000 - ours
        }
        return found
    }
}
