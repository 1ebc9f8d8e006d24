import Testing

@testable import Trust

/// What the ledger revokes the verifier refuses, by a reason of its own.
@Suite struct RevokedPeerTests {
    private let now = Workshop.now

    private func verifier(_ ledger: TrustLedger) -> PeerVerifier {
        PeerVerifier(federation: "demo", bundle: ledger.bundle) { identity, certificate in
            ledger.refusal(of: identity, certificate, now: Workshop.now)
        }
    }

    private func refusal(_ work: LedgerWorkshop, began: Int64, expected: String? = nil) throws -> PeerRefusal? {
        let leaf = try Workshop.shared.get().leaf(by: work.issuer) { $0.notBefore = began }
        do throws(PeerRefusal) {
            _ = try verifier(work.ledger).verify(
                leaf: leaf, intermediates: [work.issuer.certificate], now: now,
                expected: expected.map { (site: "alpha", node: $0) })
            return nil
        } catch { return error }
    }

    @Test func aNodesCertificateOfBeforeIsRefusedAndANewOneTaken() throws {
        let work = try LedgerWorkshop()
        #expect(try refusal(work, began: now - 100) == nil)
        _ = try work.ledger.take(
            LedgerWorkshop.token(LedgerWorkshop.revocation("alpha", "a1"), by: work.issuer), now: now)
        #expect(try refusal(work, began: now - 100) == .revoked(at: now, reason: "lost"))
        #expect(try refusal(work, began: now) == nil, "a certificate that was issued after it")
        // The reason counts before the name that was called.
        #expect(try refusal(work, began: now - 100, expected: "a2") == .revoked(at: now, reason: "lost"))
    }

    @Test func aSiteStaysOutUntilItIsAdmittedAnew() throws {
        let work = try LedgerWorkshop()
        _ = try work.ledger.take(
            LedgerWorkshop.token(LedgerWorkshop.revocation("alpha"), serial: 5, by: work.issuer), now: now)
        #expect(try refusal(work, began: now + 1) != nil || refusal(work, began: now) != nil)
        _ = try work.ledger.take(
            LedgerWorkshop.token(LedgerWorkshop.admission("alpha"), serial: 6, by: work.issuer), now: now)
        #expect(try refusal(work, began: now) == nil)
        #expect(try refusal(work, began: now - 1) == .revoked(at: now, reason: "lost"))
    }

    @Test func anotherSiteIsNotTouched() throws {
        let work = try LedgerWorkshop()
        _ = try work.ledger.take(LedgerWorkshop.token(LedgerWorkshop.revocation("beta"), by: work.issuer), now: now)
        _ = try work.ledger.take(
            LedgerWorkshop.token(LedgerWorkshop.revocation("alpha", "a2"), by: work.issuer), now: now)
        #expect(try refusal(work, began: now - 100) == nil)
    }

    @Test func theReasonCannotMoveACursor() {
        let refusal = PeerRefusal.revoked(at: 0, reason: "gone\u{1b}[2J\nfor good")
        #expect(refusal.description.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
    }
}
