import Gossip

extension Settings {
    /// Reads settings of the gossip by their names; those left out keep their defaults.
    static func decode(_ cursor: ConfigurationCursor) -> Settings {
        cursor.objectOrDefaults { fields in
            var settings = Settings()
            for setting in SettingField.all { setting.read(fields[setting.name], &settings) }
            return settings
        }
    }
}

/// One setting of the gossip as files name it.
struct SettingField: Sendable {
    var name: String
    /// Reads it, where it is given, within the range that the machine keeps to.
    var read: @Sendable (ConfigurationCursor, inout Settings) -> Void
    /// The value, where it differs from the default.
    var write: @Sendable (Settings) -> ConfigurationWriter.Value?

    private static func number(
        _ name: String, _ value: any WritableKeyPath<Settings, Double> & Sendable,
        _ range: any KeyPath<Settings, ClosedRange<Double>> & Sendable
    ) -> SettingField {
        SettingField(
            name: name,
            read: { cursor, settings in
                let unit = name.hasSuffix("Seconds") ? "seconds" : ""
                settings[keyPath: value] = cursor.number(
                    in: settings[keyPath: range], unit: unit, default: settings[keyPath: value])
            },
            write: { settings in
                let own = settings[keyPath: value]
                return own == Settings()[keyPath: value] ? nil : .number(own)
            })
    }

    private static func integer<Whole: FixedWidthInteger & Sendable>(
        _ name: String, _ value: any WritableKeyPath<Settings, Whole> & Sendable,
        _ range: any KeyPath<Settings, ClosedRange<Whole>> & Sendable
    ) -> SettingField {
        SettingField(
            name: name,
            read: { cursor, settings in
                let allowed = settings[keyPath: range]
                settings[keyPath: value] = Whole(
                    cursor.integer(
                        in: Int(allowed.lowerBound)...Int(allowed.upperBound), default: Int(settings[keyPath: value])))
            },
            write: { settings in
                let own = settings[keyPath: value]
                return own == Settings()[keyPath: value] ? nil : .integer(Int(own))
            })
    }

    /// In the order of `Settings`.
    static let all: [SettingField] = rounds + budget + news + load + failure + limits

    private static let rounds = [
        number("periodSeconds", \.periodSeconds, \.$periodSeconds),
        number("periodJitter", \.periodJitter, \.$periodJitter),
        integer("bucketNodes", \.bucketNodes, \.$bucketNodes),
        number("seedProbability", \.seedProbability, \.$seedProbability),
        integer("seedFanout", \.seedFanout, \.$seedFanout),
        number("downProbability", \.downProbability, \.$downProbability),
        integer("activeViewAbove", \.activeViewAbove, \.$activeViewAbove),
        integer("activePeers", \.activePeers, \.$activePeers),
        number("rotationSeconds", \.rotationSeconds, \.$rotationSeconds),
    ]

    private static let budget = [
        number("bytesPerSecond", \.bytesPerSecond, \.$bytesPerSecond),
        number("burstBytes", \.burstBytes, \.$burstBytes),
        integer("peersPerTick", \.peersPerTick, \.$peersPerTick),
        number("requestsPerPeer", \.requestsPerPeer, \.$requestsPerPeer),
        integer("bytesPerOrigin", \.bytesPerOrigin, \.$bytesPerOrigin),
        integer("memoryBytes", \.memoryBytes, \.$memoryBytes),
        integer("requestOverheadBytes", \.requestOverheadBytes, \.$requestOverheadBytes),
        integer("answerOverheadBytes", \.answerOverheadBytes, \.$answerOverheadBytes),
        integer("acknowledgementBytes", \.acknowledgementBytes, \.$acknowledgementBytes),
        integer("lowestVersion", \.lowestVersion, \.$lowestVersion),
        integer("highestVersion", \.highestVersion, \.$highestVersion),
    ]

    private static let news = [
        integer("announceFanout", \.announceFanout, \.$announceFanout),
        integer("widerAbove", \.widerAbove, \.$widerAbove),
        number("announceIntervalSeconds", \.announceIntervalSeconds, \.$announceIntervalSeconds),
        number("fetchPatienceSeconds", \.fetchPatienceSeconds, \.$fetchPatienceSeconds),
        integer("leaveFanout", \.leaveFanout, \.$leaveFanout),
    ]

    private static let load = [
        number("loadIntervalSeconds", \.loadIntervalSeconds, \.$loadIntervalSeconds),
        number("loadChange", \.loadChange, \.$loadChange),
        number("loadMinimumSeconds", \.loadMinimumSeconds, \.$loadMinimumSeconds),
        number("loadAnswerSeconds", \.loadAnswerSeconds, \.$loadAnswerSeconds),
    ]

    private static let failure = [
        number("probeTimeoutSeconds", \.probeTimeoutSeconds, \.$probeTimeoutSeconds),
        number("hasteShare", \.hasteShare, \.$hasteShare),
        number("transferTimeoutSeconds", \.transferTimeoutSeconds, \.$transferTimeoutSeconds),
        integer("indirectProbes", \.indirectProbes, \.$indirectProbes),
        number("suspicionMultiplier", \.suspicionMultiplier, \.$suspicionMultiplier),
        number("suspicionMaximumMultiplier", \.suspicionMaximumMultiplier, \.$suspicionMaximumMultiplier),
        integer("suspicionConfirmations", \.suspicionConfirmations, \.$suspicionConfirmations),
        integer("maximumHealthPenalty", \.maximumHealthPenalty, \.$maximumHealthPenalty),
        number("troubleSeconds", \.troubleSeconds, \.$troubleSeconds),
        integer("troubleClaims", \.troubleClaims, \.$troubleClaims),
        number("refutationSeconds", \.refutationSeconds, \.$refutationSeconds),
        number("evidenceBits", \.evidenceBits, \.$evidenceBits),
        number("lossyEvidenceBits", \.lossyEvidenceBits, \.$lossyEvidenceBits),
        number("suspectTryPeriods", \.suspectTryPeriods, \.$suspectTryPeriods),
        number("ownEvidenceBits", \.ownEvidenceBits, \.$ownEvidenceBits),
        number("mostPatience", \.mostPatience, \.$mostPatience),
        number("patienceSeconds", \.patienceSeconds, \.$patienceSeconds),
        number("lossyShare", \.lossyShare, \.$lossyShare),
        number("triesPerSecond", \.triesPerSecond, \.$triesPerSecond),
        number("falseClaims", \.falseClaims, \.$falseClaims),
        integer("suspectTries", \.suspectTries, \.$suspectTries),
        number("greylistScore", \.greylistScore, \.$greylistScore),
        number("forgivenessSeconds", \.forgivenessSeconds, \.$forgivenessSeconds),
        number("deadAfterSeconds", \.deadAfterSeconds, \.$deadAfterSeconds),
        number("forgetAfterSeconds", \.forgetAfterSeconds, \.$forgetAfterSeconds),
        number("offerKeptSeconds", \.offerKeptSeconds, \.$offerKeptSeconds),
        integer("doubtPeers", \.doubtPeers, \.$doubtPeers),
        number("doubtSeconds", \.doubtSeconds, \.$doubtSeconds),
        number("pauseSeconds", \.pauseSeconds, \.$pauseSeconds),
    ]

    private static let limits = [
        integer("futureLeewaySeconds", \.futureLeewaySeconds, \.$futureLeewaySeconds),
        integer("maximumRecordBytes", \.maximumRecordBytes, \.$maximumRecordBytes),
        integer("deltaBytes", \.deltaBytes, \.$deltaBytes),
        integer("deltaRecords", \.deltaRecords, \.$deltaRecords),
        integer("catchUpRounds", \.catchUpRounds, \.$catchUpRounds),
        integer("maximumNodes", \.maximumNodes, \.$maximumNodes),
        integer("maximumTombstones", \.maximumTombstones, \.$maximumTombstones),
        integer("maximumPendingExchanges", \.maximumPendingExchanges, \.$maximumPendingExchanges),
    ]
}
