import Gossip
import Trust

extension Registrar {
    /// What stands against a join beside the invitation itself.
    ///
    /// - Parameter holder: who has the name by this authority's own register.
    func judge(
        _ candidate: InviteStore.Candidate, _ invite: InviteStore.Invite, holder: InviteStore.Holder?
    ) -> JoinRefusal? {
        // An invitation must not outlive a revocation: the operator who wants the site back invites it anew.
        // That of a node too: who held the node's key may hold the invitation.
        let siteRevokedAt = revokedAt(site: invite.site, node: nil)
        if let last = lastRevocation(in: invite.site), last >= invite.createdAt { return .revokedSite(invite.site) }
        if let name = candidate.names.first(where: { isOfAnotherSite($0, than: invite.site) }) { return .addressTaken(name) }
        let nodeRevokedAt = revokedAt(site: invite.site, node: candidate.node)
        let floor = max(siteRevokedAt ?? .min, nodeRevokedAt ?? .min)
        // What was revoked has no claim to its name any more.
        let holders = [holder, holderInMesh(site: invite.site, node: candidate.node)].compactMap { $0 }
        guard holders.allSatisfy({ $0.since < floor || $0.key == candidate.key }) else {
            return .nameTaken(site: invite.site, node: candidate.node)
        }
        return nil
    }

    /// Who has a name by what this node has heard of the mesh.
    private func holderInMesh(site: String, node: String) -> InviteStore.Holder? {
        guard let encoded = mesh()[NodeID(site: site, node: node)]?.identity?.certificate,
            let der = try? Base64.decode(encoded), let certificate = try? Certificate(der: der)
        else { return nil }
        return InviteStore.Holder(
            key: Digest.sha256(certificate.publicKey.subjectPublicKeyInfo), since: certificate.notBefore)
    }

    /// Whether another site's node is called by this name: nobody may take a certificate for it.
    private func isOfAnotherSite(_ name: String, than site: String) -> Bool {
        guard !SharedNames.contains(name) else { return false }
        return mesh().nodes.contains { node in
            guard node.id.site != site, let identity = node.identity else { return false }
            let hosts = [HostAndPort(meshURL: identity.mesh)?.host, WebAddress(identity.api)?.host]
            return hosts.contains { $0?.lowercased() == name }
        }
    }

    /// Seconds since 1970 of the last revocation of a site or of any of its nodes.
    func lastRevocation(in site: String) -> Int64? {
        ledger.held.compactMap { held -> Int64? in
            guard case .revocation(let revocation) = held.statement.body, revocation.site == site else { return nil }
            return Int64(clamping: revocation.revokedAt)
        }.max()
    }

    /// Seconds since 1970 of the last revocation of a site, or of one of its nodes.
    func revokedAt(site: String, node: String?) -> Int64? {
        ledger.held.compactMap { held -> Int64? in
            guard case .revocation(let revocation) = held.statement.body, revocation.site == site, revocation.node == node
            else { return nil }
            return Int64(clamping: revocation.revokedAt)
        }.max()
    }

    /// The certificate, and for the first node by an invitation the site's admission.
    func make(
        _ candidate: InviteStore.Candidate, _ key: PublicKey, _ invite: InviteStore.Invite, isFirst: Bool
    ) throws(JoinRefusal) -> (grant: InviteStore.Grant, validity: Range<Int64>) {
        guard let issuer = authority.issuer else { throw .failed("the issuer cannot be used") }
        do throws(TrustError) {
            let isAddress = { (name: String) in HostAndPort.isAddress(name) }
            let floors = [nil, candidate.node].compactMap { revokedAt(site: invite.site, node: $0) }
            let certificate = try issuer.issue(
                id: try SPIFFEID(federation: issuer.federation, site: invite.site, node: candidate.node), publicKey: key,
                dnsNames: candidate.names.filter { !isAddress($0) } + ["localhost"],
                addresses: candidate.names.filter(isAddress) + ["127.0.0.1", "::1"], now: candidate.now,
                notBefore: floors.max())
            var grant = InviteStore.Grant(
                site: invite.site, node: candidate.node,
                certificates: EncodedCertificates.encode([certificate] + issuer.chain))
            if isFirst { grant.admission = try admission(invite, by: issuer, now: candidate.now) }
            return (grant, certificate.notBefore..<max(certificate.notAfter, certificate.notBefore))
        } catch {
            if error.code == .malformedName { throw .badRequest(error.message) }
            throw .failed(error.message)
        }
    }

    /// Signs a site's place in the federation: new, or with more nodes or other domains.
    private func admission(
        _ invite: InviteStore.Invite, by issuer: Issuer, now: Int64
    ) throws(TrustError) -> String? {
        let before = ledger.admission(of: invite.site)
        let domains = invite.domains ?? before?.domains ?? []
        let nodes = min((invite.addsNodes ? before?.nodes ?? 0 : 0) + invite.nodes, Statement.maximumNodes)
        // Above the revocation too that it may follow, within the same second as well.
        let previous = ledger.held.filter { $0.statement.isAbout(site: invite.site) }.map(\.statement.serial).max() ?? 0
        let token = try issuer.sign(
            .admission(Admission(site: invite.site, domains: domains, nodes: nodes)), now: now, previous: previous)
        return String(decoding: token, as: UTF8.self)
    }

    /// What a new node is told of all that was said: its own site's admission and the bundle first, the rest as far as it fits.
    static func statements(of ledger: TrustLedger, for site: String) -> [String] {
        let held = ledger.held
        let first = held.filter { ["bundle", "admission/\(site)"].contains($0.statement.subject) }
        let rest = held.filter { !["bundle", "admission/\(site)"].contains($0.statement.subject) }
        var room = JoinAnswer.maximumBytes / 2
        var chosen: [String] = []
        for one in first + rest {
            guard one.token.count + 4 <= room, chosen.count < JoinAnswer.statementsAllowed else { break }
            room -= one.token.count + 4
            chosen.append(String(decoding: one.token, as: UTF8.self))
        }
        return chosen
    }
}
