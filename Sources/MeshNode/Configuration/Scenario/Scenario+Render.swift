import Gossip
import Simulation

extension Scenario {
    /// The scenario as a file; reading it gives an equal one. What has its default is left out.
    func render() -> String {
        var out = ConfigurationWriter()
        out.object(nil) { out in
            out.field("scenario", .text(name))
            out.field("description", .text(description))
            out.field("nodes", .integer(nodes))
            if nodesPerSite != 1 { out.field("nodesPerSite", .integer(nodesPerSite)) }
            out.field("runSeconds", .number(runSeconds))
            if startWithinSeconds != 0 { out.field("startWithinSeconds", .number(startWithinSeconds)) }
            if seeds != [0] { out.line("seeds: \(Self.list(seeds)),") }
            if settings != Settings() {
                out.object("settings") { out in
                    for setting in SettingField.all { out.field(setting.name, setting.write(settings)) }
                }
            }
            if network != NetworkModel() { out.object("network") { out in network.render(&out, from: NetworkModel()) } }
            if records != RecordModel() { out.object("records", records.render) }
            if !groups.isEmpty { out.rows("groups", groups.map(\.row)) }
            if !steps.isEmpty { out.rows("steps", steps.map { $0.row(network) }) }
            if let chaos {
                out.object("chaos") { out in
                    out.field("fromSeconds", .number(chaos.fromSeconds))
                    out.field("toSeconds", .number(chaos.toSeconds))
                    out.field("count", .integer(chaos.count))
                }
            }
            out.rows("expect", expectations.map(\.row))
        }
        return out.text
    }

    static func list(_ items: [some CustomStringConvertible]) -> String {
        "[\(items.map(\.description).joined(separator: ", "))]"
    }
}

/// An object on one line, field by field.
struct ConfigurationRow {
    private(set) var text = ""

    mutating func field(_ key: String, raw value: String?) {
        guard let value else { return }
        text += "\(text.isEmpty ? "" : ", ")\(key): \(value)"
    }

    mutating func field(_ key: String, _ value: String?) { field(key, raw: value.map(Quoting.json)) }
    mutating func field(_ key: String, _ value: Double?) { field(key, raw: value.map(ConfigurationCursor.text)) }
    mutating func field(_ key: String, _ value: Int?) { field(key, raw: value.map { "\($0)" }) }
    /// Left out where it has its default.
    mutating func field(_ key: String, _ value: Bool, default fallback: Bool) {
        if value != fallback { field(key, raw: "\(value)") }
    }
    mutating func field(_ key: String, _ names: [String]) { field(key, raw: Scenario.list(names.map(Quoting.json))) }
    mutating func field(_ key: String, _ span: ClosedRange<Double>?) {
        field(
            key,
            raw: span.map {
                "[\(ConfigurationCursor.text(of: $0.lowerBound)), \(ConfigurationCursor.text(of: $0.upperBound))]"
            })
    }
}

extension ConfigurationWriter {
    mutating func rows(_ key: String, _ rows: [ConfigurationRow]) {
        lines(key, rows.map { "{ \($0.text) }," })
    }
}

extension NetworkModel {
    /// Writes what differs from `base`.
    func render(_ out: inout ConfigurationWriter, from base: NetworkModel) {
        for (key, value) in fields(from: base) { out.line("\(key): \(value),") }
    }

    /// The fields that differ from `base`, as text.
    func fields(from base: NetworkModel) -> [(key: String, value: String)] {
        var fields: [(String, String)] = []
        func add<Value: Equatable>(_ key: String, _ path: KeyPath<NetworkModel, Value>, _ text: (Value) -> String) {
            if self[keyPath: path] != base[keyPath: path] { fields.append((key, text(self[keyPath: path]))) }
        }
        let number = ConfigurationCursor.text(of:)
        add("delaySeconds", \.delaySeconds) { "[\(number($0.lowerBound)), \(number($0.upperBound))]" }
        add("jitterSeconds", \.jitterSeconds, number)
        add("loss", \.loss, number)
        add("retransmitSeconds", \.retransmitSeconds, number)
        add("resetPerLoss", \.resetPerLoss, number)
        add("exchangeFailure", \.exchangeFailure, number)
        add("duplication", \.duplication, number)
        add("reorder", \.reorder, number)
        add("bandwidthBytesPerSecond", \.bandwidthBytesPerSecond) { number($0 ?? 0) }
        add("datagrams", \.datagrams) { "\($0)" }
        add("idleLinkSeconds", \.idleLinkSeconds, number)
        add("handshakeBytes", \.handshakeBytes) { "\($0)" }
        add("wireBytesPerMessage", \.wireBytesPerMessage) { "\($0)" }
        return fields
    }
}

extension RecordModel {
    func render(_ out: inout ConfigurationWriter) {
        let base = RecordModel()
        if catalogBytes != base.catalogBytes { out.field("catalogBytes", .integer(catalogBytes)) }
        if identityBytes != base.identityBytes { out.field("identityBytes", .integer(identityBytes)) }
        if loadBytes != base.loadBytes { out.field("loadBytes", .integer(loadBytes)) }
        out.field("loadEverySeconds", loadEverySeconds.map { .number($0) })
        if certificateSeconds != base.certificateSeconds { out.field("certificateSeconds", .number(certificateSeconds)) }
        if renewedAfter != base.renewedAfter { out.field("renewedAfter", .number(renewedAfter ?? 0)) }
    }
}

extension NodeGroup {
    var row: ConfigurationRow {
        var row = ConfigurationRow()
        row.field("name", name)
        switch members {
        case .nodes(let indices): row.field("nodes", raw: Scenario.list(indices))
        case .random(let count, let mayBeSeeds):
            row.field("count", count)
            row.field("mayBeSeeds", mayBeSeeds, default: false)
        case .share(let share, let mayBeSeeds):
            row.field("share", share)
            row.field("mayBeSeeds", mayBeSeeds, default: false)
        case .rest: row.field("rest", true, default: false)
        }
        return row
    }
}
