import API
import Gossip
import Routing
import Transport
import Trust

/// What the API and the mesh port ask.
extension TrustKeeper: FederationControl {
    /// What this node answers on the mesh port.
    nonisolated var routes: [MeshRoute] {
        [
            MeshRoute(StatementExchange.path, bodyLimit: StatementExchange.messageBytes) { call in
                guard let message = StatementExchange.decode(call.body) else {
                    return .refusal(400, "bad_statements", "this is no exchange of statements")
                }
                return MeshAnswer(200, "application/json", await self.answer(message, from: call.peer).encode())
            },
            MeshRoute(Renewal.path, bodyLimit: Renewal.requestBytes) { self.certify($0) },
        ]
    }

    func takeStatements(_ tokens: [[UInt8]]) async throws(FederationRefusal) -> Int {
        let taken = await take(tokens, from: nil)
        if let refusal = taken.refusals.first {
            throw FederationRefusal(
                400, code: "statement_\(refusal.rawValue)",
                "\(taken.refusals.count) of \(tokens.count) statements are refused: \(refusal.rawValue)")
        }
        return taken.news.count
    }

    func revoke(site: String, node: String?, reason: String) async throws(FederationRefusal) {
        guard let issuer = issuer?.issuer else {
            let others = router.view.mesh.nodes.filter { $0.identity?.issues == true }.compactMap { $0.identity?.api }
            let hint = others.isEmpty ? "" : "; these are: \(others.joined(separator: ", "))"
            throw FederationRefusal(409, code: "no_authority", "this node is no registration authority\(hint)")
        }
        guard site != me.site || node != nil && node != me.node else {
            throw FederationRefusal(
                409, code: "own_place",
                "a registration authority does not revoke itself; sign it with the federation's own key (--directory)")
        }
        let now = PeerGate.now
        let revocation = Revocation(
            site: site, node: node, revokedAt: UInt64(now), expires: UInt64(expiry(of: site, node, now)), reason: reason)
        let token: [UInt8]
        do throws(TrustError) {
            token = try issuer.sign(.revocation(revocation), now: now, previous: serial(of: site, node))
        } catch { throw FederationRefusal(400, code: "invalid_revocation", "\(error)") }
        _ = try await takeStatements([token])
    }

    private func expiry(of site: String, _ node: String?, _ now: Int64) -> Int64 {
        let known = router.view.mesh.nodes.filter { $0.id.site == site && (node == nil || $0.id.node == node) }
        return Self.expiry(of: known.compactMap(\.identity), now: now)
    }

    /// When the last certificate has ended that a revocation could be about: the longest that an issuer gives, or what is known to last
    /// longer. By the certificates themselves: what nodes say beside them of their end may be any number.
    static func expiry(of identities: [Identity], now: Int64) -> Int64 {
        let known = identities.compactMap { PeerGate.decode($0.certificate)?.notAfter }
        let latest = min(known.max() ?? 0, now + Int64(Issuer.maximumValidSeconds))
        return max(now + Int64(Issuer.validSeconds), latest) + TrustLedger.leewaySeconds
    }

    /// The highest serial of what was said of a place: a revocation stands above the admission before it.
    private func serial(of site: String, _ node: String?) -> UInt64 {
        ledger.held.compactMap { held -> UInt64? in
            switch held.statement.body {
            case .admission(let admission): admission.site == site ? held.statement.serial : nil
            case .revocation(let revocation): revocation.site == site ? held.statement.serial : nil
            case .bundle: nil
            }
        }.max() ?? 0
    }

    func renewCertificate() async throws(FederationRefusal) -> (issuedBy: String, expires: UInt64) {
        guard !renewal.isUnderWay else {
            throw FederationRefusal(409, code: "renewal_under_way", "the certificate is being renewed already")
        }
        renewal.isUnderWay = true
        defer { renewal.isUnderWay = false }
        do throws(RenewalFailure) {
            let authority = try await renew()
            return (authority, UInt64(max(0, trust.current.certificate.notAfter)))
        } catch {
            throw FederationRefusal(503, code: "not_renewed", "the certificate could not be renewed: \(error)")
        }
    }
}
