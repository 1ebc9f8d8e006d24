import COpenSSL

/// Why a key, a certificate, a token or a file of the trust layer cannot be used. Never holds a secret.
public struct TrustError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What happened, for code to decide on.
    public enum Code: Sendable, Equatable {
        /// A file or directory could not be read or written.
        case file
        /// A file that holds secrets may be read by others, or a directory may be changed by them.
        case exposedFile
        /// Something that must not be overwritten is there already.
        case alreadyExists
        /// Not the encoding that it should be (base64, PEM, DER).
        case malformedEncoding
        /// A passphrase that does not open the key.
        case wrongPassphrase
        /// Not a key that is used here.
        case unusableKey
        /// Not a certificate that is used here.
        case unusableCertificate
        /// A name that breaks the rules of names.
        case malformedName
        /// A token that is not a JWS of the one kind used here.
        case malformedToken
        /// A signature that does not hold.
        case badSignature
        /// A limit was passed.
        case limitExceeded
        /// FIPS is required and OpenSSL cannot give it.
        case noFIPS
        /// OpenSSL failed in a way that no input explains.
        case library
    }

    public var code: Code
    /// One line for people: what is wrong, where, and what to do.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    /// An unexpected failure of the library while doing `what`, with the library's reason.
    static func library(_ what: String) -> TrustError {
        TrustError(.library, "OpenSSL could not \(what): \(openSSLReason())")
    }
}

/// The newest reason in OpenSSL's error queue of this thread. Only meaningful if the queue was cleared before the call.
func openSSLReason() -> String {
    let code = ERR_peek_last_error()
    guard code != 0 else { return "no reason given" }
    guard let text = ERR_reason_error_string(code) else { return "error \(code)" }
    return String(cString: text)
}

/// Text from outside, cut and with all but visible ASCII replaced: safe in a log line or on a terminal.
func printable(_ text: some Sequence<UInt8>, limit: Int = 256) -> String {
    let shown = text.prefix(limit + 1).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
    return String(decoding: shown.prefix(limit), as: UTF8.self) + (shown.count > limit ? "..." : "")
}
