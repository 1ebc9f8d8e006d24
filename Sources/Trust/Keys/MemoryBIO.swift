import COpenSSL

/// OpenSSL's stream over memory, freed with its owner. Its memory is wiped before it is given back: keys pass through it.
struct MemoryBIO: ~Copyable {
    let pointer: OpaquePointer

    init() throws(TrustError) { try self.init([]) }

    /// A stream that gives `bytes`.
    init(_ bytes: [UInt8]) throws(TrustError) {
        ERR_clear_error()
        guard bytes.count <= Int(Int32.max), let made = BIO_new(BIO_s_secmem()) else {
            throw .library("make a memory buffer")
        }
        guard bytes.isEmpty || BIO_write(made, bytes, Int32(bytes.count)) == bytes.count else {
            BIO_free_all(made)
            throw .library("fill a memory buffer")
        }
        pointer = made
    }

    deinit { BIO_free_all(pointer) }

    /// What was written and not read yet.
    var bytes: [UInt8] {
        var start: UnsafeMutablePointer<CChar>?
        let count = mesh_BIO_get_mem_data(pointer, &start)
        guard count > 0, let start else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}

/// Overwrites secret bytes that are no longer needed, in a way that the compiler does not leave out.
func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
}

/// Answers OpenSSL's question for a PEM passphrase with "there is none": otherwise it would ask at the terminal.
let noPassphrase: @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
    _, _, _, _ in -1
}
