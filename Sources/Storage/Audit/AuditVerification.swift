import Glibc
import Trust

/// What a check of a node's audit log found.
public struct AuditVerification: Sendable, Equatable {
    /// Where the log is not what was written.
    public struct Fault: Sendable, Equatable {
        /// Of the first entry that is wrong or missing.
        public var sequence: UInt64
        public var message: String
    }

    public var federation: String
    public var site: String
    public var node: String
    /// What the oldest entry hangs on; a sequence above 0: older files were removed.
    public var start: ChainHead
    public var head: ChainHead
    public var fault: Fault?
    /// Heads that were held against it.
    public var witnesses = 0

    /// Reads entries in pieces of this many.
    private static let pieceEntries = 1000

    /// Checks the files of a directory: that each entry follows from the one before, from the first that is still there to the last,
    /// and that what others witnessed is in it.
    ///
    /// - Parameter witnessed: heads of this log, kept by others.
    /// - Throws: files that cannot be read at all.
    public static func check(
        directory: String, witnessed: [ChainHead] = []
    ) throws(StorageError) -> AuditVerification {
        let path = "\(directory)/\(AuditFile.name)"
        var files = AuditArchive.list(directory).map(\.path)
        if access(path, F_OK) == 0 { files.append(path) }
        guard let first = files.first else { throw StorageError(.file, "there is no audit log in \(directory)") }
        let (keeper, start) = try AuditFile.chain(try Database(path: first, creates: false))
        var report = AuditVerification(
            federation: keeper.federation, site: keeper.site, node: keeper.node, start: start, head: start)
        if start.sequence == 0, start.hash != keeper.genesis {
            report.fault = Fault(sequence: 1, message: "the log does not begin as that of \(keeper.site)/\(keeper.node)")
        }
        var wanted = Dictionary(grouping: witnessed, by: \.sequence)
        report.witnesses = witnessed.count
        for file in files where report.fault == nil { try report.walk(file, keeper, &wanted) }
        guard report.fault == nil, let missing = wanted.keys.filter({ $0 > report.head.sequence }).min() else {
            return report
        }
        report.fault = Fault(
            sequence: report.head.sequence + 1,
            message: "the log ends with entry \(report.head.sequence); entry \(missing) was witnessed: it was cut")
        return report
    }

    private mutating func walk(
        _ path: String, _ keeper: AuditKeeper, _ wanted: inout [UInt64: [ChainHead]]
    ) throws(StorageError) {
        let database = try Database(path: path, creates: false)
        let (found, begins) = try AuditFile.chain(database)
        guard found == keeper, begins == head else {
            fault = Fault(sequence: head.sequence + 1, message: "\(path) does not go on where the file before it ends")
            return
        }
        while true {
            let piece = try AuditFile.entries(database, after: head.sequence, limit: Self.pieceEntries)
            for entry in piece {
                guard entry.sequence == head.sequence + 1 else {
                    fault = Fault(sequence: head.sequence + 1, message: "entry \(head.sequence + 1) is missing")
                    return
                }
                guard entry.hash == AuditChain.hash(of: entry, after: head.hash) else {
                    fault = Fault(sequence: entry.sequence, message: "entry \(entry.sequence) is not as it was written")
                    return
                }
                head = ChainHead(sequence: entry.sequence, hash: entry.hash)
                if wanted.removeValue(forKey: entry.sequence)?.contains(where: { $0.hash != entry.hash }) == true {
                    fault = Fault(
                        sequence: entry.sequence,
                        message:
                            "entry \(entry.sequence) is another than the one that was witnessed: the log was written anew")
                    return
                }
            }
            if piece.count < Self.pieceEntries { return }
        }
    }
}
