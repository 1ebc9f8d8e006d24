import Transport
import Trust

/// Holds everything that comes from the other side against the invitation.
struct JoinCheck {
    let token: InviteToken

    /// The roots that the invitation's own root bears out.
    func ledger(_ answer: HTTPAnswer) throws(JoinFailure) -> TrustLedger {
        guard answer.status == 200 else { throw refusal(answer) }
        guard let bundle = JoinJSON.decode(JoinBundle.self, answer.body) else {
            throw JoinFailure("\(token.address) answers, but not as a MeshNode of this version does")
        }
        let roots: [Certificate]
        do throws(TrustError) {
            roots = try EncodedCertificates.decode(bundle.roots, atMost: JoinAnswer.rootsAllowed)
        } catch { throw JoinFailure("\(token.address) sent roots that cannot be read: \(error)") }
        guard bundle.federation == token.federation else {
            throw JoinFailure(
                "the invitation is for the federation \(token.federation); the node at \(token.address) is of "
                    + "\(Quoting.excerpt(bundle.federation)): nothing was sent to it")
        }
        guard let root = roots.first(where: { $0.thumbprint == token.pin.bytes }) else {
            throw JoinFailure(
                "the node at \(token.address) does not have the root that the invitation names: nothing was sent to it; the "
                    + "invitation is of another federation or too old, or somebody answers in that node's place")
        }
        let ledger = TrustLedger(federation: token.federation, roots: [root])
        if let statement = bundle.statement {
            _ = try? ledger.take(Array(statement.utf8), now: PeerGate.now)
        }
        return ledger
    }

    /// Whether a connection leads to the registration authority that made the invitation.
    ///
    /// - Throws: `.revoked` if it does not.
    func server(_ stream: Stream, _ ledger: TrustLedger) throws(TransportError) {
        guard let shown = stream.peerIdentity as? PeerCertificates else {
            throw TransportError(.revoked, "\(token.address) showed no certificate")
        }
        do throws(TrustError) {
            var chain = [try Certificate(der: shown.leaf)]
            for der in shown.intermediates { chain.append(try Certificate(der: der)) }
            try verify(chain, ledger, expected: (token.authoritySite, token.authorityNode))
        } catch {
            throw TransportError(
                .revoked, "the node at \(token.address) is not to be trusted: nothing secret was sent to it: \(error)")
        }
    }

    /// Whether what was given is what was asked for, and good.
    func answer(
        _ answer: HTTPAnswer, _ ledger: TrustLedger, request: CertificateRequest, node: String
    ) throws(JoinFailure) -> JoinAnswer {
        guard answer.status == 200 else { throw refusal(answer) }
        guard let given = JoinJSON.decode(JoinAnswer.self, answer.body) else {
            throw JoinFailure("\(token.address) answers, but not as a MeshNode of this version does")
        }
        guard given.federation == token.federation, given.site == token.site else {
            throw JoinFailure("\(token.address) gave a place in another federation or site than the invitation's")
        }
        try take(given, ledger, key: request.publicKey)
        return given
    }

    /// Holds a place that was given against the roots that are trusted and our own key.
    func take(_ given: JoinAnswer, _ ledger: TrustLedger, key: PublicKey) throws(JoinFailure) {
        guard given.statements.count <= JoinAnswer.statementsAllowed, given.seeds.count <= JoinAnswer.seedsAllowed,
            given.seeds.allSatisfy({ HostAndPort($0) != nil }), Names.isLabel(given.site), Names.isLabel(given.node)
        else { throw JoinFailure("the answer is not one of this version of meshnode") }
        // What does not hold by the roots is left out: the node hears what holds from its peers.
        for statement in given.statements { _ = try? ledger.take(Array(statement.utf8), now: PeerGate.now) }
        do throws(TrustError) {
            let chain = try EncodedCertificates.decode(given.certificates, atMost: JoinAnswer.certificatesAllowed)
            guard let leaf = chain.first, leaf.publicKey.subjectPublicKeyInfo == key.subjectPublicKeyInfo else {
                throw TrustError(.unusableCertificate, "it is for another key than this node's")
            }
            try verify(chain, ledger, expected: (given.site, given.node))
        } catch { throw JoinFailure("the certificate that was given cannot be used: \(error)") }
    }

    private func verify(
        _ chain: [Certificate], _ ledger: TrustLedger, expected: (site: String, node: String)?
    ) throws(TrustError) {
        do throws(PeerRefusal) {
            _ = try PeerVerifier(federation: token.federation, roots: ledger.bundle.roots).verify(
                chain: chain, now: PeerGate.now, expected: expected)
        } catch { throw TrustError(.unusableCertificate, "\(error)") }
    }

    private func refusal(_ answer: HTTPAnswer) -> JoinFailure {
        let said = ErrorBody.message(answer.body).map { Quoting.cut($0, scalars: 400) }
        return JoinFailure(
            "\(token.address): \(said ?? "it answered \(answer.status)")", isWorthARetry: [429, 503].contains(answer.status))
    }
}
