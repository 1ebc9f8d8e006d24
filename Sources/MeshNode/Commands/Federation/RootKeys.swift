import Glibc
import Trust

/// Opens the keys of a federation's roots: in its folder, or kept elsewhere.
enum RootKeys {
    /// - Parameter next: the key of the root that takes over.
    static func open(
        _ rollover: RootRollover, next: Bool, _ invocation: Invocation
    ) throws(TrustError) -> PrivateKey {
        if let key = try held(invocation, next ? .nextKeyURI : .keyURI) { return key }
        let path = next ? RootRollover.nextKeyPath(rollover.directory) : rollover.directory + "/root.key"
        return try PrivateKey.load(pemFile: path, anyKind: true) { () throws(TrustError) in try passphrase(invocation) }
    }

    /// A key by its URI; nil: none was named.
    static func held(_ invocation: Invocation, _ option: OptionSpecification) throws(TrustError) -> PrivateKey? {
        guard let uri = invocation.text(option) else { return nil }
        return try PrivateKey.open(storeURI: uri, pin: try given(invocation))
    }

    /// What the new root's key is encrypted with: as the old one's is. nil: in the clear, as that.
    static func newPassphrase(_ rollover: RootRollover, _ invocation: Invocation) throws(TrustError) -> [UInt8]? {
        if let secret = try given(invocation) { return secret }
        let path = rollover.directory + "/root.key"
        guard access(path, F_OK) == 0 else { return try passphrase(invocation) }
        let isEncrypted = String(decoding: try SecretFile.read(path), as: UTF8.self).contains("ENCRYPTED")
        return isEncrypted ? try passphrase(invocation) : nil
    }

    private static func passphrase(_ invocation: Invocation) throws(TrustError) -> [UInt8] {
        if let secret = try given(invocation) { return secret }
        throw TrustError(
            .unusableKey,
            "the root's key is encrypted: put the passphrase into MESHNODE_PASSPHRASE or a file named by --passphrase-file")
    }

    private static func given(_ invocation: Invocation) throws(TrustError) -> [UInt8]? {
        if let file = invocation.text(.passphraseFile) {
            var bytes = try SecretFile.read(file)
            while let last = bytes.last, last == 10 || last == 13 { bytes.removeLast() }
            return bytes
        }
        return Environment.value("MESHNODE_PASSPHRASE").map { Array($0.utf8) }
    }
}
