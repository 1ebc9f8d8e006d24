import Gossip
import Routing
import Storage
import Transport

/// Answers those who want to join at a node that is no registration authority.
struct OtherAuthorities: Enrolment {
    /// Mesh addresses of the nodes that are, as far as they are known.
    let known: @Sendable () -> [String]
    let note: FederationNote

    func bundle() async -> EnrolmentAnswer { refusal() }

    func join(_ body: [UInt8], from address: SocketAddress?) async -> EnrolmentAnswer {
        note(.joinRefused, address?.host ?? "unknown", "unknown", "this node is no registration authority")
        return refusal()
    }

    private func refusal() -> EnrolmentAnswer {
        let refusal = JoinRefusal.notAnAuthority(others: known())
        return .refusal(refusal.code.status, refusal.code.text, refusal.message)
    }
}
