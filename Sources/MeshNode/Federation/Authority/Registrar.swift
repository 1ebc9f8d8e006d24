import API
import Gossip
import Routing
import Storage
import Transport
import Trust

/// Takes nodes into the federation: makes invitations, and certificates for those who have one.
final class Registrar: Enrolment, Inviting {
    private let me: NodeID
    /// Holds the issuer in force.
    let authority: RegistrationAuthority
    let ledger: TrustLedger
    private let store: InviteStore
    /// The mesh as this node sees it.
    let mesh: @Sendable () -> MeshView
    /// Where this node's mesh port is, `HOST:PORT`.
    private let address: String
    /// Takes a statement that was signed here, for all nodes.
    private let publish: @Sendable ([UInt8]) async -> Void
    private let note: FederationNote

    init(
        me: NodeID, authority: RegistrationAuthority, ledger: TrustLedger, store: InviteStore, address: String,
        mesh: @escaping @Sendable () -> MeshView,
        publish: @escaping @Sendable ([UInt8]) async -> Void, note: @escaping FederationNote
    ) {
        self.me = me
        self.authority = authority
        self.ledger = ledger
        self.store = store
        self.address = address
        self.mesh = mesh
        self.publish = publish
        self.note = note
    }

    // MARK: Inviting

    func invite(_ order: InviteOrder, by caller: String) async throws(APIError) -> Invitation {
        let now = PeerGate.now
        let token = try token(for: order)
        try await checkSite(order, now: now)
        let domains = order.domains ?? ledger.admission(of: order.site)?.domains ?? []
        // After a revocation of this very second.
        let createdAt = max(now, lastRevocation(in: order.site).map { $0 + 1 } ?? now)
        let made = Invitation(
            token: token.text, site: order.site, nodes: order.nodes, domains: domains,
            expiresAt: now + order.expiresInSeconds, address: token.address)
        do throws(StorageError) {
            try await store.add(
                InviteStore.Invite(
                    digest: token.digest.bytes, site: order.site, nodes: order.nodes, domains: order.domains,
                    addsNodes: order.addsNodes, expiresAt: made.expiresAt, createdAt: createdAt, createdBy: caller))
        } catch {
            throw APIError(
                503, type: "server_error", code: "storage_unavailable",
                "the invitation could not be kept: \(error.message)")
        }
        note(
            .invite, caller, order.site,
            "\(order.nodes) node\(order.nodes == 1 ? "" : "s"), until \(Lifetime.moment(made.expiresAt)), domains: "
                + (domains.isEmpty ? "none" : domains.joined(separator: ", ")))
        return made
    }

    private func token(for order: InviteOrder) throws(APIError) -> InviteToken {
        func fail(_ name: String, _ message: String) -> APIError {
            APIError(400, code: "invalid_parameter", parameter: name, message)
        }
        for domain in order.domains ?? [] where domain != Admission.anyDomain && !Names.isFederation(domain) {
            throw fail("domains", "\(Quoting.excerpt(domain)) is no domain of an identity provider such as anl.gov")
        }
        guard Names.isLabel(order.site) else {
            throw fail("site", "\(Quoting.excerpt(order.site)) cannot name a site: a-z, 0-9 and - inside, at most 63")
        }
        let asked = order.address ?? address
        guard let target = HostAndPort(asked), target.port > 0 else {
            throw fail("address", "\(Quoting.excerpt(asked)) is no address HOST:PORT")
        }
        guard let root = ledger.bundle.roots.first(where: { $0.notAfter > PeerGate.now }) else {
            throw APIError(503, type: "server_error", code: "authority_unavailable", "no root of the federation is valid")
        }
        do throws(TrustError) {
            return try InviteToken(
                root: root, federation: ledger.federation, site: order.site, authority: (me.site, me.node),
                address: target.description)
        } catch { throw fail("address", error.message) }
    }

    /// A site's name must not be given twice by mistake.
    private func checkSite(_ order: InviteOrder, now: Int64) async throws(APIError) {
        let isRevoked = ledger.revocation(site: order.site, node: "-", notBefore: 0, now: now) != nil
        var isKnown = ledger.admission(of: order.site) != nil && !isRevoked
        isKnown = isKnown || mesh().nodes.contains { $0.id.site == order.site && $0.state == .alive }
        if !isKnown, !isRevoked { isKnown = (try? await store.knows(site: order.site)) ?? false }
        guard isKnown == order.addsNodes else {
            throw APIError(
                409, code: isKnown ? "site_exists" : "site_unknown", parameter: "site",
                isKnown
                    ? "\(order.site) is a member already; --add-nodes (addsNodes) invites more nodes of it"
                    : "\(order.site) is no member yet; leave out --add-nodes (addsNodes)")
        }
    }

    // MARK: Joining

    func bundle() async -> EnrolmentAnswer {
        let statement = ledger.held.first { $0.statement.subject == "bundle" }?.token
        return EnrolmentAnswer(
            body: JoinJSON.encode(
                JoinBundle(
                    federation: ledger.federation, roots: EncodedCertificates.encode(ledger.bundle.roots),
                    statement: statement.map { String(decoding: $0, as: UTF8.self) })))
    }

    func join(_ body: [UInt8], from address: SocketAddress?) async -> EnrolmentAnswer {
        let source = address?.host ?? "unknown"
        var subject = "unknown"
        do throws(JoinRefusal) {
            let (candidate, key) = try candidate(body, from: source)
            subject = candidate.node
            let grant = try await admit(candidate, key)
            subject = "\(grant.site)/\(grant.node)"
            if let admission = grant.admission { await publish(Array(admission.utf8)) }
            note(
                .join, source, subject,
                grant.isRepeated ? "the same certificate again, to the same key" : "certificate issued")
            return EnrolmentAnswer(body: JoinJSON.encode(answer(grant)))
        } catch {
            // Told apart by their cause: the audit log counts what is alike.
            note(.joinRefused, source, "\(error.code.text) \(subject)", "\(error.code.text): \(error.message)")
            return .refusal(error.code.status, error.code.text, error.message)
        }
    }

    private func candidate(
        _ body: [UInt8], from source: String
    ) throws(JoinRefusal) -> (InviteStore.Candidate, PublicKey) {
        guard let wanted = JoinJSON.decode(JoinRequest.self, body) else { throw .badRequest("it is not understood") }
        guard Names.isLabel(wanted.node) else { throw .badRequest("that is no name of a node") }
        guard wanted.names.count <= JoinRequest.namesAllowed else { throw .badRequest("too many host names") }
        for name in wanted.names where HostAndPort.host(name.contains(":") ? "[\(name)]" : name) == nil {
            throw .badRequest("that is no host name or address")
        }
        guard let secret = try? Base64.decodeURL(wanted.secret), secret.count == InviteToken.secretBytes else {
            throw .unknownInvite
        }
        let request: CertificateRequest
        do throws(TrustError) {
            request = try CertificateRequest(der: try Base64.decode(wanted.request))
        } catch { throw .badRequest(error.message) }
        let key = request.publicKey
        let names = wanted.names.map { $0.lowercased() }.filter { !SharedNames.isLoopback($0) }
        return (
            InviteStore.Candidate(
                digest: Digest.sha256(secret), key: Digest.sha256(key.subjectPublicKeyInfo), node: wanted.node,
                names: names, address: source, now: PeerGate.now), key
        )
    }

    private func admit(
        _ candidate: InviteStore.Candidate, _ key: PublicKey
    ) async throws(JoinRefusal) -> InviteStore.Grant {
        let result: Result<InviteStore.Grant, JoinRefusal>
        do throws(StorageError) {
            result = try await store.admit(
                candidate, judge: { self.judge(candidate, $0, holder: $1) },
                make: { invite, isFirst in
                    Result { () throws(JoinRefusal) in try self.make(candidate, key, invite, isFirst: isFirst) }
                })
        } catch { throw .failed(error.message) }
        return try result.get()
    }

    /// What the answer holds beside the certificate: enough to find the mesh and to know what was said so far.
    private func answer(_ grant: InviteStore.Grant) -> JoinAnswer {
        JoinAnswer(
            federation: ledger.federation, site: grant.site, node: grant.node, certificates: grant.certificates,
            roots: EncodedCertificates.encode(ledger.bundle.roots), statements: Self.statements(of: ledger, for: grant.site),
            seeds: seeds)
    }

    private var seeds: [String] {
        let others = mesh().nodes.filter { $0.state == .alive && $0.identity?.via == nil }.compactMap { node in
            node.identity.flatMap { HostAndPort(meshURL: $0.mesh)?.description }
        }
        return Array(([address] + others.filter { $0 != address }).prefix(JoinAnswer.seedsAllowed / 2))
    }
}
