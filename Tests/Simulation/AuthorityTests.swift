import Gossip
import Testing

@testable import Simulation

@Suite struct AuthorityTests {
    private let names = (0..<3).map { Scenario.calm().nodeID($0) }
    private let registry: Registry

    init() { registry = Registry(seed: 1, names: names, keepsOld: false) }

    private func certificate(_ node: Int, key: UInt32 = 1, root: Root = .old, notAfter: UInt64 = 2000) -> Certificate {
        Certificate(node: UInt32(node), key: key, root: root, notAfter: notAfter)
    }

    private func identity(_ certificate: Certificate) -> Identity {
        Identity(
            api: "", mesh: "n0:8200", certificate: certificate.text, certificateExpires: certificate.notAfter,
            software: "simulated")
    }

    private func record(_ body: RecordBody, of node: Int = 0, sequence: UInt64 = 1) -> Record {
        Record(
            federation: "simulated", origin: names[node], version: Version(generation: 9, sequence: sequence),
            issuedAt: 1000,
            body: body)
    }

    private func authority(
        _ certificate: Certificate, trust: RootTrust = RootTrust(), wallSeconds: UInt64 = 1000
    ) -> SimulatedAuthority {
        SimulatedAuthority(
            registry: registry, certificate: certificate, trust: trust, sizes: RecordModel(), wallSeconds: wallSeconds)
    }

    private func refusal(_ token: [UInt8], identity: Identity? = nil, by authority: SimulatedAuthority) -> RecordRefusal? {
        do throws(RecordRefusal) {
            _ = try authority.open(token, identity: identity)
            return nil
        } catch { return error }
    }

    private var own: Certificate { certificate(0) }

    @Test(arguments: [
        RecordBody.catalog(Catalog(models: [.simulated("m1"), .simulated("m2")])),
        .load(Load(models: [ModelLoad(id: "m", slots: 8, running: 3, waiting: 1)])),
    ])
    func whatIsSignedIsReadAsItWas(body: RecordBody) throws {
        let token = try authority(own).sign(record(body))
        #expect(try authority(certificate(1)).open(token, identity: identity(own)) == record(body))
        // And without what was kept of it: another registry of the same world.
        let other = Registry(seed: 1, names: names, keepsOld: false)
        #expect(try other.open(token).signed.record == record(body))
    }

    @Test func tokensHaveTheSizesOfTheScenario() throws {
        #expect(try authority(own).sign(record(.identity(identity(own)))).count == RecordModel().identityBytes)
        #expect(try authority(own).sign(record(.catalog(Catalog(models: [])))).count == RecordModel().catalogBytes)
    }

    @Test func everyAlteredByteIsRefused() throws {
        let token = try authority(own).sign(record(.identity(identity(own))))
        for place in token.indices {
            for bit in [UInt8(1), 0x80] {
                var altered = token
                altered[place] ^= bit
                let refusal = refusal(altered, by: authority(certificate(1)))
                #expect(refusal == .badSignature || refusal == .malformed, "byte \(place)")
            }
        }
        for length in [0, 10, 60, token.count - 1] {
            #expect(refusal(Array(token.prefix(length)), by: authority(certificate(1))) != nil)
        }
    }

    @Test func anotherKeyIsRefused() {
        let body = RecordBody.identity(identity(own))
        let forged = registry.make(record(body), by: own, key: 42, byteCount: 1200).bytes
        #expect(refusal(forged, by: authority(certificate(1))) == .badSignature)
    }

    @Test func aRecordAboutAnotherIsRefused() {
        let key = registry.secrets.key(of: 1, number: 1)
        let about = record(.identity(identity(certificate(1))))
        let token = registry.make(about, by: certificate(1), key: key, byteCount: 1200).bytes
        #expect(refusal(token, by: authority(certificate(2))) == .wrongOrigin)
    }

    @Test func anotherFederationIsRefused() {
        let foreign = certificate(0, root: .foreign)
        let key = registry.secrets.key(of: 0, number: 1)
        let token = registry.make(record(.identity(identity(foreign))), by: foreign, key: key, byteCount: 1200).bytes
        #expect(refusal(token, by: authority(certificate(2))) == .foreignFederation)
    }

    @Test func catalogsNeedTheIdentityThatBringsTheirKey() throws {
        let renewed = certificate(0, key: 2)
        let token = try authority(renewed).sign(record(.catalog(Catalog(models: []))))
        let reader = authority(certificate(1))
        #expect(refusal(token, by: reader) == .unknownOrigin)
        #expect(refusal(token, identity: identity(own), by: reader) == .unknownOrigin)
        #expect(refusal(token, identity: identity(renewed), by: reader) == nil)
    }

    @Test func certificatesEnd() throws {
        let token = try authority(own).sign(record(.identity(identity(own))))
        #expect(refusal(token, by: authority(certificate(1), wallSeconds: 2300)) == nil)
        #expect(refusal(token, by: authority(certificate(1), wallSeconds: 2301)) == .expired)
    }

    @Test func onlyTrustedRootsCount() throws {
        let rolled = certificate(0, root: .new)
        let token = try authority(rolled).sign(record(.identity(identity(rolled))))
        #expect(refusal(token, by: authority(certificate(1))) == .badSignature)
        #expect(refusal(token, by: authority(certificate(1), trust: RootTrust(old: true, new: true))) == nil)
    }

    @Test func whatWasSignedIsKnownByVersion() {
        var signed = SignedVersions()
        signed.add(.identity, Version(generation: 5, sequence: 1))
        signed.add(.identity, Version(generation: 3, sequence: 7))
        signed.add(.catalog, Version(generation: 5, sequence: 2))
        #expect(signed.covers(DigestEntry(origin: 0, generation: 5, identity: 1, catalog: 2)))
        #expect(signed.covers(DigestEntry(origin: 0, generation: 3, identity: 7)))
        #expect(!signed.covers(DigestEntry(origin: 0, generation: 3, identity: 7, catalog: 1)))
        #expect(!signed.covers(DigestEntry(origin: 0, generation: 4, identity: 1)))
        #expect(!signed.covers(DigestEntry(origin: 0, generation: 6, identity: 1)))
        #expect(signed.highest == 5)
    }
}
