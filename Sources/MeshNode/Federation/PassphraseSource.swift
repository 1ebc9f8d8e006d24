import Glibc
import Trust

/// The passphrase of a key: from a file, from MESHNODE_PASSPHRASE, or asked for at the terminal.
enum PassphraseSource {
    /// One that was given; nil: none was.
    static func given(_ invocation: Invocation) throws(TrustError) -> [UInt8]? {
        if let file = invocation.text(.passphraseFile) {
            var bytes = try SecretFile.read(file)
            while let last = bytes.last, last == 10 || last == 13 { bytes.removeLast() }
            return bytes
        }
        return Environment.value("MESHNODE_PASSPHRASE").map { Array($0.utf8) }
    }

    /// One that opens a key.
    static func existing(_ invocation: Invocation, of path: String) throws(TrustError) -> [UInt8] {
        if let given = try given(invocation) { return given }
        return try ask("passphrase of \(path): ")
    }

    /// One that a new key is encrypted with, asked for twice.
    static func new(_ invocation: Invocation) throws(TrustError) -> [UInt8] {
        if let given = try given(invocation) { return given }
        let first = try ask("passphrase for the federation's root key: ")
        guard PrivateKey.passphraseBytes.contains(first.count) else {
            throw TrustError(
                .limitExceeded, "a passphrase has at least \(PrivateKey.passphraseBytes.lowerBound) bytes")
        }
        guard constantTimeEqual(first, try ask("the same again: ")) else {
            throw TrustError(.wrongPassphrase, "the two passphrases differ")
        }
        return first
    }

    /// Reads one line of the terminal without showing it.
    private static func ask(_ question: String) throws(TrustError) -> [UInt8] {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else {
            throw TrustError(
                .unusableKey,
                "there is no terminal to ask for the passphrase: put it into MESHNODE_PASSPHRASE or a file named by "
                    + "--passphrase-file")
        }
        defer { close(terminal) }
        var before = termios()
        tcgetattr(terminal, &before)
        var quiet = before
        quiet.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(terminal, TCSAFLUSH, &quiet)
        defer { tcsetattr(terminal, TCSAFLUSH, &before) }
        _ = write(terminal, question, question.utf8.count)
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(terminal, &byte, 1) == 1, byte != 10, line.count <= PrivateKey.passphraseBytes.upperBound {
            line.append(byte)
        }
        _ = write(terminal, "\n", 1)
        return line
    }
}
