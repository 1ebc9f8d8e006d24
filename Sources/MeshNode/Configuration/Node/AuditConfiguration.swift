/// Where the audit log goes beside its own file.
struct AuditConfiguration: Equatable, Sendable {
    /// A syslog server, by TLS.
    struct Syslog: Equatable, Sendable {
        var host: String
        var port = 6514
        /// PEM file of the authorities that its certificate is checked by; nil: the system's.
        var caFile: String?
    }

    /// nil: where systemd started the node.
    var journald: Bool?
    /// The journal's socket of the native protocol.
    var journaldSocket = "/run/systemd/journal/socket"
    var syslog: Syslog?

    /// systemd says by JOURNAL_STREAM that what is written goes to the journal (systemd.exec).
    var usesJournal: Bool { journald ?? (Environment.value("JOURNAL_STREAM") != nil) }
}

extension AuditConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> AuditConfiguration {
        cursor.objectOrDefaults { fields in
            let own = AuditConfiguration()
            return AuditConfiguration(
                journald: fields["journald"].optional { $0.truth(default: false) },
                journaldSocket: fields["journaldSocket"].isPresent
                    ? fields["journaldSocket"].string(length: 1...100, allowed: "the path of a socket") { $0.hasPrefix("/") }
                    : own.journaldSocket,
                syslog: fields["syslog"].optional(Syslog.decode))
        }
    }

    /// Writes it; nothing where all is as without it.
    func render(_ out: inout ConfigurationWriter) {
        guard self != AuditConfiguration() else { return }
        out.comment("Where the audit log goes beside its own file.")
        out.object("audit") { out in
            if let journald { out.field("journald", .boolean(journald)) }
            if journaldSocket != AuditConfiguration().journaldSocket { out.field("journaldSocket", .text(journaldSocket)) }
            if let syslog {
                out.object("syslog") { out in
                    out.field("host", .text(syslog.host))
                    out.field("port", .integer(syslog.port))
                    out.field("caFile", syslog.caFile.map { .text($0) })
                }
            }
        }
    }
}

extension AuditConfiguration.Syslog {
    static func decode(_ cursor: ConfigurationCursor) -> AuditConfiguration.Syslog {
        cursor.object { fields in
            AuditConfiguration.Syslog(
                host: fields["host"].string(length: 1...255, allowed: "a host name or IP address") { text in
                    text.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") }
                },
                port: fields["port"].integer(in: 1...65535, default: 6514),
                caFile: fields["caFile"].optional { $0.file() })
        }
    }
}
