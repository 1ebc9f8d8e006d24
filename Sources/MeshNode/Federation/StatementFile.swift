import Glibc
import Trust

/// The statements that a node is given when it joins, one token a line: what its ledger begins with.
enum StatementFile {
    static func path(_ stateDirectory: String) -> String { stateDirectory + "/statements.jws" }

    static func write(_ statements: [[UInt8]], stateDirectory: String) throws(TrustError) {
        try PublicFile.write(path(stateDirectory), statements.flatMap { $0 + [UInt8(ascii: "\n")] })
    }

    /// None where there is no file.
    static func read(stateDirectory: String) throws(TrustError) -> [[UInt8]] {
        guard access(path(stateDirectory), F_OK) == 0 else { return [] }
        let bytes = try PublicFile.read(path(stateDirectory))
        return bytes.split(separator: UInt8(ascii: "\n")).map { Array($0) }
    }
}
