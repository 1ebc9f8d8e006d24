import COpenSSL

extension Certificate {
    /// The first certificate of a PEM file.
    ///
    /// - Throws: `TrustError` naming the file.
    public convenience init(pemFile path: String) throws(TrustError) {
        let first = try Certificate.load(pemFile: path)[0]
        X509_up_ref(first.handle)
        try self.init(adopting: first.handle)
    }

    /// All certificates of a PEM file in their order, at least one: a chain, or a bundle of authorities.
    ///
    /// - Throws: `.file`, `.unusableCertificate`, `.limitExceeded`, each naming the file.
    public static func load(pemFile path: String) throws(TrustError) -> [Certificate] {
        let bytes = try PublicFile.read(path)
        do throws(TrustError) {
            return try load(pem: bytes)
        } catch {
            throw TrustError(error.code, "\(path): \(error.message)")
        }
    }

    /// All certificates of a PEM text in their order, at least one and at most `maximumInFile`.
    ///
    /// - Throws: `.unusableCertificate`, `.limitExceeded`.
    public static func load(pem: [UInt8]) throws(TrustError) -> [Certificate] {
        let source = try MemoryBIO(pem)
        var found: [Certificate] = []
        ERR_clear_error()
        while let handle = PEM_read_bio_X509(source.pointer, nil, noPassphrase, nil) {
            guard found.count < maximumInFile else {
                X509_free(handle)
                throw TrustError(.limitExceeded, "more than \(maximumInFile) certificates in one file")
            }
            found.append(try Certificate(adopting: handle))
            ERR_clear_error()
        }
        // The one failure that is the end of the file: no further BEGIN line.
        let code = ERR_peek_last_error()
        let isAtEnd = mesh_ERR_lib(code) == ERR_LIB_PEM && mesh_ERR_reason(code) == PEM_R_NO_START_LINE
        guard isAtEnd else {
            throw TrustError(
                .unusableCertificate, "certificate \(found.count + 1) in the file is damaged: \(openSSLReason())")
        }
        guard !found.isEmpty else { throw TrustError(.unusableCertificate, "there is no certificate in PEM in the file") }
        return found
    }

    /// The certificate as PEM text.
    public var pem: [UInt8] {
        guard let sink = try? MemoryBIO(), PEM_write_bio_X509(sink.pointer, handle) == 1 else { return [] }
        return sink.bytes
    }

    /// Writes the certificate as PEM, mode 0644, followed by those of its issuers that a peer does not have.
    public func write(pemFile path: String, issuers: [Certificate] = []) throws(TrustError) {
        try PublicFile.write(path, pem + issuers.flatMap(\.pem))
    }
}
