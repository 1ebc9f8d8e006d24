import Glibc
import Testing

@testable import Trust

/// The pair on disk belongs together, wherever a renewal is cut short.
@Suite struct IdentityFilesTests {
    let scratch: Scratch
    let files: IdentityFiles
    let workshop: Workshop
    let first: PrivateKey

    init() throws {
        scratch = try Scratch()
        workshop = try Workshop.shared.get()
        files = IdentityFiles(certificateFile: scratch.path + "/node.pem", keyFile: scratch.path + "/node.key")
        first = try PrivateKey.generate()
        try first.write(pemFile: files.keyFile)
        try workshop.leaf(key: first).write(pemFile: files.certificateFile, issuers: [workshop.stranger.certificate])
    }

    @Test func readsCertificateIssuersAndKey() throws {
        let found = try files.load()
        #expect(found.certificate.belongs(to: found.key))
        #expect(found.issuers.map(\.thumbprint) == [workshop.stranger.certificate.thumbprint])
    }

    @Test func aRenewalReplacesBoth() throws {
        let key = try files.stageKey()
        #expect(Scratch.mode(of: files.nextKeyFile) == 0o600)
        let leaf = try workshop.leaf(key: key)
        try files.commit(IdentityFiles.Identity(certificate: leaf, issuers: [workshop.root.certificate], key: key))
        let found = try files.load()
        #expect(found.certificate.thumbprint == leaf.thumbprint)
        #expect(found.issuers.map(\.thumbprint) == [workshop.root.certificate.thumbprint])
        #expect(Scratch.names(in: scratch.path) == ["node.key", "node.pem"])
        #expect(Scratch.mode(of: files.keyFile) == 0o600)
    }

    /// After the key was staged, and never certified: the old pair stands, and the next try makes another key.
    @Test func cutShortBeforeTheCertificate() throws {
        let staged = try files.stageKey()
        #expect(try files.load().certificate.belongs(to: first))
        let again = try files.stageKey()
        #expect(try workshop.leaf(key: staged).belongs(to: again) == false)
    }

    /// Between the certificate and the key's rename: the start completes it.
    @Test func cutShortBetweenTheTwo() throws {
        let key = try files.stageKey()
        let leaf = try workshop.leaf(key: key)
        try leaf.write(pemFile: files.certificateFile)
        let found = try files.load()
        #expect(found.certificate.thumbprint == leaf.thumbprint && found.certificate.belongs(to: found.key))
        #expect(access(files.nextKeyFile, F_OK) != 0)
        #expect(try files.load().certificate.thumbprint == leaf.thumbprint, "and the start after that")
    }

    @Test func aCertificateOfAnotherKeyIsNotPutInPlace() throws {
        _ = try files.stageKey()
        let other = try PrivateKey.generate()
        #expect {
            try files.commit(
                IdentityFiles.Identity(certificate: try workshop.leaf(key: other), issuers: [], key: other))
        } throws: { ($0 as? TrustError)?.code == .unusableKey }
        #expect(try files.load().certificate.belongs(to: first))
    }

    @Test func twoThatDoNotBelongTogetherAreNamed() throws {
        try PrivateKey.generate().write(pemFile: files.keyFile)
        #expect { try files.load() } throws: {
            let error = $0 as? TrustError
            return error?.code == .unusableKey && error?.message.contains("node.key") == true
        }
    }
}
