import Glibc

/// One root of a federation takes over from another without anybody losing trust in anybody: the new root beside the old, then
/// an issuer below the new one, then the old root dropped. What is done here are files and signatures; that a phase has
/// reached every node is for whoever calls to see (docs/trust.md).
///
/// While it runs the folder holds `root.next.pem` and `root.next.key` beside the root, and for a moment `issuer.next.*`. Each
/// step may be cut short and done again.
public struct RootRollover: Sendable {
    public let directory: String
    public let federation: String
    /// The root that nodes trusted first.
    public let old: Certificate
    /// The one that takes over; nil before `start`.
    public private(set) var new: Certificate?

    /// Reads the folder of the federation.
    public init(directory: String) throws(TrustError) {
        self.directory = directory
        let authority = try FederationAuthority.load(directory: directory)
        federation = authority.federation
        old = authority.root
        if access(Self.nextCertificatePath(directory), F_OK) == 0 {
            new = try Certificate(pemFile: Self.nextCertificatePath(directory))
        }
    }

    public static func nextCertificatePath(_ directory: String) -> String { directory + "/root.next.pem" }
    public static func nextKeyPath(_ directory: String) -> String { directory + "/root.next.key" }
    private static func oldPath(_ directory: String, _ end: String) -> String { directory + "/root.old.\(end)" }
    private static func nextIssuerPath(_ directory: String, _ end: String) -> String { directory + "/issuer.next.\(end)" }

    // MARK: 1. The new root beside the old

    /// Makes the new root, unless an earlier start did.
    ///
    /// - Parameters:
    ///   - held: a key kept elsewhere; nil: one is made in the folder.
    ///   - passphrase: encrypts the key that is made; nil: in the clear, for federations on one machine.
    ///   - now: seconds since 1970.
    public mutating func makeRoot(
        held: PrivateKey? = nil, passphrase: [UInt8]?, validDays: Int = FederationAuthority.validDays,
        now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) {
        guard new == nil else { return }
        let key: PrivateKey
        if let held { key = held } else { key = try PrivateKey.generate() }
        if held == nil {
            if let passphrase {
                try key.write(pemFile: Self.nextKeyPath(directory), passphrase: passphrase)
            } else {
                try key.write(pemFile: Self.nextKeyPath(directory))
            }
        }
        let made = try FederationAuthority.selfSigned(
            federation, key, now: now, until: now + Int64(validDays) * 86_400)
        try made.write(pemFile: Self.nextCertificatePath(directory))
        new = made
    }

    /// Both roots, by the word of the old one; with `renewBefore`, all nodes are asked for new certificates.
    ///
    /// - Parameters:
    ///   - key: of the old root.
    ///   - present: the bundle in force, whose sites' roots stay.
    ///   - serial: of that bundle's statement; 0: there is none.
    public func bundleOfBoth(
        key: PrivateKey, present: BundleStatement?, serial: UInt64, renewBefore: Int64? = nil,
        now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) -> [UInt8] {
        let body = BundleStatement(
            roots: [old, try next].map { Base64.encode($0.der) }, siteRoots: present?.siteRoots ?? [:],
            renewBefore: renewBefore.map { UInt64(max(0, $0)) })
        let token = try sign(.bundle(body), by: old, key, serial: serial, now: now)
        try PublicFile.write(FederationAuthority.bundlePath(directory), token + [UInt8(ascii: "\n")])
        return token
    }

    private var next: Certificate {
        get throws(TrustError) {
            guard let new else {
                throw TrustError(.file, "no rollover is under way in \(directory); run: meshnode federation rollover start")
            }
            return new
        }
    }

    // MARK: 2. An issuer below the new root

    /// Makes an issuing certificate below the new root and puts it in the old one's place; done before, it is kept.
    ///
    /// - Parameter key: of the new root.
    public func switchIssuer(
        key: PrivateKey, now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) -> Issuer {
        let root = try next
        guard root.belongs(to: key) else {
            throw TrustError(.unusableKey, "the key does not belong to \(Self.nextCertificatePath(directory))")
        }
        try completeIssuer()
        let present = try Issuer(
            certificateFile: FederationAuthority.issuerPath(directory),
            keyFile: FederationAuthority.issuerKeyPath(directory))
        if TrustStore([root]).issuerFailure(present.certificate, intermediates: present.chain, now: now) == nil {
            return present
        }
        let issuerKey = try PrivateKey.generate()
        let certificate = try FederationAuthority.sign(
            issuerKey.publicKey(), federation, by: root, key, now: now, until: root.notAfter)
        try issuerKey.write(pemFile: Self.nextIssuerPath(directory, "key"))
        try certificate.write(pemFile: Self.nextIssuerPath(directory, "pem"))
        try completeIssuer()
        return try Issuer(chain: [certificate], key: issuerKey)
    }

    /// Key first: whoever reads in between finds two that do not belong together, and waits.
    private func completeIssuer() throws(TrustError) {
        let (certificate, key) = (Self.nextIssuerPath(directory, "pem"), Self.nextIssuerPath(directory, "key"))
        guard access(certificate, F_OK) == 0 else { return }
        if access(key, F_OK) == 0 { try Self.move(key, FederationAuthority.issuerKeyPath(directory)) }
        try Self.move(certificate, FederationAuthority.issuerPath(directory))
    }

    /// The operator's other statements anew, by the issuer below the new root, in the order in which they were made: what the old
    /// root vouches for ends with it.
    ///
    /// - Parameters:
    ///   - statements: in force now.
    public static func renew(
        _ statements: [Statement], by issuer: Issuer, now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) -> [[UInt8]] {
        var tokens: [[UInt8]] = []
        var serial: UInt64 = 0
        let mine = issuer.chain.map { Base64.encode($0.der) }
        for statement in statements.sorted(by: { $0.serial < $1.serial }) {
            if case .bundle = statement.body { continue }
            serial = max(serial, statement.serial)
            guard statement.signers != mine else { continue }
            let token = try issuer.sign(statement.body, now: now, previous: serial)
            serial = Statement.serial(now: now, previous: serial)
            tokens.append(token)
        }
        return tokens
    }

    // MARK: 3. The old root dropped

    /// The new root alone, by its own word.
    ///
    /// - Parameter key: of the new root.
    public func bundleOfNew(
        key: PrivateKey, present: BundleStatement?, serial: UInt64, now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) -> [UInt8] {
        let root = try next
        let body = BundleStatement(roots: [Base64.encode(root.der)], siteRoots: present?.siteRoots ?? [:])
        return try sign(.bundle(body), by: root, key, serial: serial, now: now)
    }

    /// The folder as it is from now on: the old root lies aside as `root.old.*`.
    public mutating func finish(bundle: [UInt8]) throws(TrustError) {
        let root = try next
        try PublicFile.write(FederationAuthority.bundlePath(directory), bundle + [UInt8(ascii: "\n")])
        let key = FederationAuthority.keyPath(directory)
        if access(Self.nextKeyPath(directory), F_OK) == 0 {
            if access(key, F_OK) == 0 { try Self.move(key, Self.oldPath(directory, "key")) }
            try Self.move(Self.nextKeyPath(directory), key)
        }
        try old.write(pemFile: Self.oldPath(directory, "pem"))
        try root.write(pemFile: FederationAuthority.certificatePath(directory))
        unlink(Self.nextCertificatePath(directory))
        new = nil
    }

    func sign(
        _ body: Statement.Body, by root: Certificate, _ key: PrivateKey, serial: UInt64, now: Int64
    ) throws(TrustError) -> [UInt8] {
        guard root.belongs(to: key) else {
            throw TrustError(.unusableKey, "the key does not belong to the root \(root.subject)")
        }
        guard root.signsStatements else {
            // The ledger allows it where no root can.
            let issuer = try Issuer(
                certificateFile: FederationAuthority.issuerPath(directory),
                keyFile: FederationAuthority.issuerKeyPath(directory))
            return try issuer.sign(body, now: now, previous: serial)
        }
        return try Statement(
            federation: federation, serial: Statement.serial(now: now, previous: serial), issuedAt: UInt64(max(0, now)),
            signers: [], body: body
        ).signed(key: key, certificate: root)
    }

    private static func move(_ from: String, _ to: String) throws(TrustError) {
        guard rename(from, to) == 0 else { throw OpenFile.failure("replace", to, errno) }
    }
}
