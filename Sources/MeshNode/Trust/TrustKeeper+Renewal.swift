import API
import CLinux
import Gossip
import Routing
import Storage
import Transport
import Trust

extension TrustKeeper {
    private static let renewalSeconds = 10.0
    /// Seconds over which the nodes of a federation spread when all are to renew at once.
    private static let rolloverSpreadSeconds = 5.0
    /// Seconds between two certificates where the first did not bring what the bundle wants.
    private static let rolloverRetrySeconds = 5.0

    private var wallSeconds: Double { Double(mesh_realtime_ns()) / 1e9 }

    // MARK: When

    /// Starts a renewal if it is time for one.
    func renewIfDue() {
        guard !renewal.isUnderWay, ownRevocation == nil else { return }
        plan()
        guard let next = renewal.nextTry, next <= wallSeconds else { return }
        renewal.isUnderWay = true
        Task(executorPreference: loop) { await self.tryToRenew() }
    }

    private func plan() {
        if renewal.nextTry == nil {
            renewal.nextTry = RenewalSchedule(trust.current.certificate).firstTry(spread: unit())
        }
        // The operator wants all certificates that are older than this, or under another root, renewed now.
        let serial = ledger.bundle.serial
        guard serial != renewal.plannedForBundle else { return }
        renewal.plannedForBundle = serial
        guard isOutdated else { return }
        renewal.nextTry = min(renewal.nextTry ?? .infinity, wallSeconds + Self.rolloverSpreadSeconds * unit())
    }

    /// Whether the bundle in force asks for a newer certificate than ours.
    private var isOutdated: Bool {
        let bundle = ledger.bundle
        guard let before = bundle.renewBefore else { return false }
        if RenewalSchedule(trust.current.certificate).issuedAt < Int64(clamping: before) { return true }
        return bundle.roots.count > 1 && trust.ownRoot != bundle.roots.last?.thumbprint
    }

    private func tryToRenew() async {
        do throws(RenewalFailure) {
            _ = try await renew()
        } catch {
            renewal.failures += 1
            let schedule = RenewalSchedule(trust.current.certificate)
            renewal.nextTry = wallSeconds + schedule.retry(spread: unit())
            complain(error, schedule)
        }
        renewal.isUnderWay = false
    }

    private func complain(_ failure: RenewalFailure, _ schedule: RenewalSchedule) {
        let now = PeerGate.now
        let until =
            "this node's certificate ends on \(Self.text(schedule.endsAt)) (\(Int(schedule.spent(now: now) * 100)) % of its life is over)"
        let message = "\(until) and could not be renewed: \(failure)"
        switch schedule.urgency(now: now) {
        case .none: log.warnSeldom("renewal", message)
        case .due: log.warnSeldom("renewal", message)
        case .pressing:
            log.error("RENEW SOON: \(message); ask for a registration authority, or run: meshnode federation renew")
        case .over: log.error("CERTIFICATE ENDED: \(message); other nodes refuse this one until it joins anew")
        }
    }

    // MARK: How

    /// Renews now, from the first registration authority that does it.
    ///
    /// - Returns: who issued it.
    func renew() async throws(RenewalFailure) -> String {
        let key: PrivateKey
        let request: CertificateRequest
        let own = trust.current.certificate
        do throws(TrustError) {
            key = try trust.files.stageKey()
            request = try CertificateRequest(
                key: key, id: try SPIFFEID(federation: trust.federation, site: me.site, node: me.node),
                dnsNames: own.dnsNames, addresses: own.addresses)
        } catch { throw RenewalFailure(description: "\(error)") }
        let authority = try await certified(request, key)
        let leaf = trust.current.certificate
        renewal.failures = 0
        renewal.renewals += 1
        renewal.nextTry = RenewalSchedule(leaf).firstTry(spread: unit())
        if isOutdated { renewal.nextTry = wallSeconds + Self.rolloverRetrySeconds * (0.8 + 0.4 * unit()) }
        log.info("certificate renewed by \(authority), good until \(Self.text(leaf.notAfter))")
        audit.record(
            .renewal, actor: authority, subject: "\(me)", detail: "certificate good until \(Self.text(leaf.notAfter))")
        // Peers learn of it at once: what the new key signs is checked by the record that this makes.
        await publish()
        return authority
    }

    /// Puts a certificate in force that answers the request.
    ///
    /// - Returns: who issued it.
    private func certified(_ request: CertificateRequest, _ key: PrivateKey) async throws(RenewalFailure) -> String {
        if let issuer = issuer?.issuer {
            do throws(TrustError) {
                try adopt(
                    try Renewal.issue(
                        request, like: trust.current.certificate, of: me, by: issuer, revokedAt: revokedAt(me)), key)
                return "this node"
            } catch { throw RenewalFailure(description: "\(error)") }
        }
        let authorities = router.view.mesh.nodes.filter {
            $0.id != me && $0.identity?.issues == true && ($0.state == .alive || $0.state == .suspect)
        }
        guard !authorities.isEmpty else {
            throw RenewalFailure(description: "no registration authority is in the mesh just now")
        }
        var last = ""
        for node in authorities.shuffled(using: &random).prefix(8) {
            guard let address = node.identity?.mesh else { continue }
            do throws(TransportError) {
                let answer = try await mesh.post(
                    Renewal.path, to: node.id, at: address, body: request.der, limit: Renewal.answerBytes,
                    seconds: Self.renewalSeconds)
                guard answer.status == 200 else {
                    last = "\(node.id) refused: \(ErrorBody.message(answer.body) ?? "status \(answer.status)")"
                    continue
                }
                // Any node can say that it is an authority: one whose answer is of no use does not keep us from the others.
                do throws(TrustError) {
                    try adopt(try Certificate.load(pem: answer.body), key)
                    return "\(node.id)"
                } catch { last = "\(node.id): \(error)" }
            } catch { last = "\(node.id): \(error.message)" }
        }
        throw RenewalFailure(description: last)
    }

    private func adopt(_ chain: [Certificate], _ key: PrivateKey) throws(TrustError) {
        guard let leaf = chain.first else { throw TrustError(.unusableCertificate, "there is no certificate in the answer") }
        try trust.adopt(IdentityFiles.Identity(certificate: leaf, issuers: Array(chain.dropFirst()), key: key))
    }

    // MARK: For others

    /// When what stood under this name before was revoked: a new certificate does not reach behind that.
    private nonisolated func revokedAt(_ node: NodeID) -> Int64? {
        ledger.revocation(site: node.site, node: node.node, notBefore: .min, now: PeerGate.now).map {
            Int64(clamping: $0.revokedAt)
        }
    }

    /// Answers a peer's request.
    nonisolated func certify(_ call: MeshCall) -> MeshAnswer {
        guard let issuer = issuer?.issuer else {
            return .refusal(409, "no_authority", "this node is no registration authority")
        }
        do throws(TrustError) {
            let previous = try Certificate(der: call.certificate)
            // The link may be older than the revocation.
            if let revocation = ledger.revocation(
                site: call.peer.site, node: call.peer.node, notBefore: previous.notBefore, now: PeerGate.now)
            {
                return .refusal(403, "revoked", "\(call.peer) was revoked: \(revocation.reason)")
            }
            guard trust.gate.isFederationsOwn(previous, of: call.peer) else {
                return .refusal(
                    403, "own_authority", "the certificate of \(call.peer) is its site's own authority's, which renews it")
            }
            guard renewals.admits(call.peer, now: mesh_monotonic_ns()) else {
                return .refusal(429, "too_many", "\(call.peer) renews its certificate too often: try again in a minute")
            }
            let request = try CertificateRequest(der: call.body)
            let chain = try Renewal.issue(
                request, like: previous, of: call.peer, by: issuer, revokedAt: revokedAt(call.peer))
            log.info("certificate of \(call.peer) renewed, good until \(Self.text(chain[0].notAfter))")
            audit.record(
                .renewal, actor: "\(me)", subject: "\(call.peer)",
                detail: "certificate good until \(Self.text(chain[0].notAfter))")
            return MeshAnswer(200, Renewal.contentType, chain.flatMap(\.pem))
        } catch {
            log.warnSeldom("renewal \(call.peer)", "the certificate of \(call.peer) is not renewed: \(error)")
            return .refusal(400, "bad_request", "\(error)")
        }
    }

    static func text(_ seconds: Int64) -> String { Timestamp.text(seconds: UInt64(max(0, seconds))) }
}
