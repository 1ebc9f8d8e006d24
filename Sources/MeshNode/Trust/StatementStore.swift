import Glibc
import Trust

/// The federation operator's statements on disk, a token a line: `stateDirectory/statements.jws`. What `join` puts there is read
/// at the first start.
struct StatementStore: Sendable {
    let path: String
    private let log: Logger

    /// Bundles kept beside the one in force: a node whose file of roots could not be rewritten goes through them at its start.
    private static let bundlesKept = 16

    init(directory: String, log: Logger) {
        path = directory + "/statements.jws"
        self.log = log
    }

    /// Puts what is stored into the ledger. What does not hold any more is left out; a damaged line costs that line.
    func load(into ledger: TrustLedger, now: Int64) {
        var refused = 0
        for token in tokens() {
            do throws(StatementRefusal) {
                _ = try ledger.take(token, now: now)
            } catch { if error == .malformed || error == .badSignature { refused += 1 } }
        }
        if refused > 0 { log.warning("\(path): \(refused) statements are damaged and left out; peers bring them again") }
    }

    /// Writes what the ledger holds, whole or not at all; bundles that led to the present one stay before it.
    func save(_ ledger: TrustLedger) {
        let held = ledger.held
        var bundles = tokens().filter { Self.isBundle($0) }
        let current = held.filter { if case .bundle = $0.statement.body { true } else { false } }.map(\.token)
        bundles.removeAll { current.contains($0) }
        let others = held.map(\.token).filter { !current.contains($0) }
        let all = bundles.suffix(Self.bundlesKept - 1) + current + others
        do throws(TrustError) {
            try PublicFile.write(path, Array(all.map { $0 + [newline] }.joined()))
        } catch { log.error("what the federation's operator said could not be stored: \(error)") }
    }

    private let newline = UInt8(ascii: "\n")

    private func tokens() -> [[UInt8]] {
        guard access(path, F_OK) == 0 else { return [] }
        do throws(TrustError) {
            return try PublicFile.read(path, maximumBytes: Self.maximumBytes).split(separator: newline).map(Array.init)
        } catch {
            log.warning("what the federation's operator said before cannot be read: \(error)")
            return []
        }
    }

    /// As many statements as a ledger holds, of the usual size.
    private static let maximumBytes = 64 << 20

    private static func isBundle(_ token: [UInt8]) -> Bool {
        (try? Statement(unverified: token)).map { if case .bundle = $0.body { true } else { false } } ?? false
    }
}
