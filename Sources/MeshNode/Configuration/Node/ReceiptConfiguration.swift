import Routing
import Storage

/// How many receipts of routing a node remembers, and how many it keeps on disk.
struct ReceiptConfiguration: Equatable, Sendable {
    /// In memory: all requests, the latest.
    var recentCount = 512
    var recentBytes = 8_388_608
    /// On disk: of all requests this share, beside those that something was amiss with.
    var sampledShare = 0.01
    /// 0: none, and no file.
    var keptCount = 20_000
    var keptBytes = 268_435_456
    var keptDays = 30

    var ring: ReceiptRing.Limits {
        var limits = ReceiptRing.Limits()
        limits.count = recentCount
        limits.bytes = recentBytes
        limits.sampledShare = sampledShare
        return limits
    }

    var shelf: ReceiptShelf.Limits { ReceiptShelf.Limits(count: keptCount, bytes: keptBytes, days: keptDays) }
}

extension ReceiptConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> ReceiptConfiguration {
        cursor.objectOrDefaults { fields in
            let own = ReceiptConfiguration()
            return ReceiptConfiguration(
                recentCount: fields["recentCount"].integer(in: 16...10_000, default: own.recentCount),
                recentBytes: fields["recentBytes"].size(in: 262_144...1_073_741_824, default: own.recentBytes),
                sampledShare: fields["sampledShare"].number(in: 0...1, default: own.sampledShare),
                keptCount: fields["keptCount"].integer(in: 0...10_000_000, default: own.keptCount),
                keptBytes: fields["keptBytes"].size(in: 1_048_576...1_099_511_627_776, default: own.keptBytes),
                keptDays: fields["keptDays"].integer(in: 1...3650, default: own.keptDays))
        }
    }

    /// Writes it; nothing where all is as without it.
    func render(_ out: inout ConfigurationWriter) {
        guard self != ReceiptConfiguration() else { return }
        out.comment("How many receipts of routing are remembered, and kept on disk: docs/receipts.md.")
        out.object("receipts") { out in
            out.field("recentCount", .integer(recentCount))
            out.field("recentBytes", .integer(recentBytes))
            out.field("sampledShare", .number(sampledShare))
            out.field("keptCount", .integer(keptCount))
            out.field("keptBytes", .integer(keptBytes))
            out.field("keptDays", .integer(keptDays))
        }
    }
}
