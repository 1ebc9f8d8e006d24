import CLinux
import Gossip
import Synchronization
import Transport
import Trust

/// Who is let in: the verifier in force, which changes with the ledger, and what it has proven.
final class PeerGate: Sendable {
    let federation: String
    let ledger: TrustLedger
    private let admits: @Sendable (NodeID) throws -> Void
    private let verifier: Mutex<PeerVerifier>
    /// Roots of linked federations, by name.
    private let linked = Mutex<[String: TrustBundle]>([:])
    private let proven = ProvenCertificates()
    /// Nodes that were revoked just now and are being told so: we may still dial them.
    private let told = Mutex<Set<NodeID>>([])
    /// Rises with each change of the ledger: what was checked before is checked again.
    private let rounds = Atomic<UInt64>(0)

    /// - Parameter admits: throws where this node's operator has blocked a peer that is otherwise trusted.
    init(_ ledger: TrustLedger, admits: @escaping @Sendable (NodeID) throws -> Void = { _ in }) {
        self.admits = admits
        self.ledger = ledger
        federation = ledger.federation
        verifier = Mutex(Self.verifier(ledger, [:]))
    }

    static var now: Int64 { Int64(mesh_realtime_ns() / 1_000_000_000) }

    private static func verifier(_ ledger: TrustLedger, _ linked: [String: TrustBundle]) -> PeerVerifier {
        PeerVerifier(federation: ledger.federation, bundle: ledger.bundle, linked: linked) { identity, certificate in
            ledger.refusal(of: identity, certificate, now: now)
        }
    }

    /// The verifier in force. Not inlined: it is asked in async functions that come back from other executors.
    var current: PeerVerifier {
        @inline(never) get { verifier.withLock { $0 } }
    }
    var round: UInt64 { rounds.load(ordering: .acquiring) }

    /// The ledger has changed: what it no longer allows is forgotten.
    func refresh() {
        // Made under the lock: of two that come at once the later must not leave what the earlier saw in force.
        let fresh = verifier.withLock { verifier in
            verifier = Self.verifier(ledger, linked.withLock { $0 })
            return verifier
        }
        rounds.add(1, ordering: .releasing)
        proven.keep { node, entry in
            let identity = try? fresh.verify(
                leaf: entry.leaf, intermediates: entry.intermediates, now: Self.now, expected: (node.site, node.node))
            return identity?.federation == node.federation ?? ledger.federation
        }
    }

    /// The roots of linked federations from now on, by name. Not inlined: it is called in async functions.
    @inline(never)
    func link(_ bundles: [String: TrustBundle]) {
        linked.withLock { $0 = bundles }
        refresh()
    }

    /// Lets connections be made to nodes that were revoked, so that they can be told; only by us, and until it is ended.
    func beginFarewell(to nodes: [NodeID]) { told.withLock { $0.formUnion(nodes) } }
    func endFarewell(to nodes: [NodeID]) { told.withLock { $0.subtract(nodes) } }

    /// The check of one handshake.
    ///
    /// - Parameter isDialled: we are the one who called.
    /// - Throws: `PeerRefusal`; for one that was revoked `TransportError` with that code, so that the peer is told.
    func admit(_ shown: PeerCertificates, isDialled: Bool) throws -> NodeID {
        let leaf = try Certificate(der: shown.leaf)
        let intermediates = try shown.intermediates.map { try Certificate(der: $0) }
        let node: NodeID
        do throws(PeerRefusal) {
            let identity = try current.verify(leaf: leaf, intermediates: intermediates, now: Self.now)
            let isOurs = identity.federation == federation
            node = NodeID(federation: isOurs ? nil : identity.federation, site: identity.site, node: identity.node)
            proven.add(leaf, intermediates: intermediates, of: node)
        } catch {
            guard case .revoked = error else { throw error }
            if isDialled, let identity = try? SPIFFEID(of: leaf) {
                let node = NodeID(site: identity.site, node: identity.node)
                if told.withLock({ $0.contains(node) }) { return node }
            }
            throw TransportError(.revoked, "\(error)")
        }
        try admits(node)
        return node
    }

    /// The certificate that a node shows in its identity record, checked as a peer's is.
    ///
    /// - Parameters:
    ///   - encoded: base64 DER.
    ///   - issuers: likewise, of the certificates between it and a root.
    func certificate(_ encoded: String, issuers: [String], of node: NodeID) throws(RecordRefusal) -> Certificate {
        let leaf: Certificate
        var intermediates: [Certificate] = []
        do throws(TrustError) {
            leaf = try Certificate(der: try Base64.decode(encoded))
            for issuer in issuers { intermediates.append(try Certificate(der: try Base64.decode(issuer))) }
        } catch { throw .malformed }
        do throws(PeerRefusal) {
            let identity = try current.verify(
                leaf: leaf, intermediates: intermediates, now: Self.now, expected: (site: node.site, node: node.node))
            // Records are our federation's alone: a linked one's node of the same name is another.
            guard identity.federation == federation else {
                throw PeerRefusal.otherFederation(found: identity.federation, expected: federation)
            }
        } catch {
            switch error {
            case .expired: throw .expired
            case .revoked: throw .revoked
            // What we do not trust, or not yet, others may.
            case .notYetValid, .untrustedChain, .weakKey, .unsuitableKey, .weakSignature, .outOfScope: throw .untrusted
            default: throw .wrongOrigin
            }
        }
        proven.add(leaf, intermediates: intermediates, of: node)
        return leaf
    }

    /// A certificate by which a node proved itself here, if it still holds.
    func certificate(of node: NodeID, keyID: String) -> Certificate? {
        guard let found = proven.entry(of: node, keyID: keyID)?.leaf, Self.now < found.notAfter,
            node.federation != nil
                || ledger.revocation(site: node.site, node: node.node, notBefore: found.notBefore, now: Self.now) == nil
        else { return nil }
        return found
    }

    /// Whether the certificate by which a node proved itself rests on the federation's roots, and not on those of its site alone: the
    /// names in what a site's own authority signs are for that site to answer for, and not for the federation to repeat.
    func isFederationsOwn(_ certificate: Certificate, of node: NodeID) -> Bool {
        let bundle = ledger.bundle
        guard bundle.siteRoots[node.site] != nil else { return true }
        guard let shown = proven.entry(of: node, keyID: Digest.hex(certificate.thumbprint)) else { return false }
        let common = PeerVerifier(federation: federation, roots: bundle.roots)
        return (try? common.verify(leaf: shown.leaf, intermediates: shown.intermediates, now: Self.now)) != nil
    }

    /// What an identity's certificate rests on; nil where it is not good here.
    func proof(of identity: Identity) -> PeerVerifier.Proof? {
        guard let leaf = Self.decode(identity.certificate) else { return nil }
        return try? current.prove(
            leaf: leaf, intermediates: (identity.issuers ?? []).compactMap(Self.decode), now: Self.now)
    }

    /// Whether a node that was let in before is so no longer, by what the ledger says: it was revoked, or its root is gone.
    func isWithdrawn(_ node: NodeID, _ identity: Identity) -> Bool {
        do throws(RecordRefusal) {
            _ = try certificate(identity.certificate, issuers: identity.issuers ?? [], of: node)
            return false
        } catch { return error == .revoked || error == .wrongOrigin }
    }

    static func decode(_ encoded: String) -> Certificate? {
        (try? Base64.decode(encoded)).flatMap { try? Certificate(der: $0) }
    }
}
