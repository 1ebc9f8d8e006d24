import Gossip

/// `gossip` of a node's configuration: the settings of the protocol, so that what was tried in a simulated mesh can be written down as
/// it is.
extension Settings {
    /// What is no node's to choose: measured of this program.
    private static let measured = ["requestOverheadBytes", "answerOverheadBytes", "acknowledgementBytes"]
    private static let fieldsOfNode = SettingField.all.filter { !measured.contains($0.name) }

    static func decodeOfNode(_ cursor: ConfigurationCursor) -> Settings {
        cursor.objectOrDefaults { fields in
            var settings = Settings()
            for setting in fieldsOfNode { setting.read(fields[setting.name], &settings) }
            if settings.lowestVersion > settings.highestVersion {
                let given = fields["highestVersion"].isPresent ? fields["highestVersion"] : fields["lowestVersion"]
                given.fail(
                    "lowestVersion is \(settings.lowestVersion), highestVersion \(settings.highestVersion); "
                        + "allowed: at least one version between them")
            }
            if settings.suspicionMaximumMultiplier * settings.suspicionMultiplier * settings.periodSeconds
                >= settings.deadAfterSeconds
            {
                fields["deadAfterSeconds"].fail(
                    "a node would be dead before it is unreachable; allowed: more than suspicionMultiplier x "
                        + "suspicionMaximumMultiplier x periodSeconds")
            }
            return settings
        }
    }

    /// What differs from the defaults.
    func renderOfNode(_ out: inout ConfigurationWriter) {
        guard self != Settings() else { return }
        out.comment("How it gossips, where that differs: docs/gossip.md.")
        out.object("gossip") { out in
            for setting in Self.fieldsOfNode { out.field(setting.name, setting.write(self)) }
        }
    }
}
