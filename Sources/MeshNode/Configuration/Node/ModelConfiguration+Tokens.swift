/// Reading where a backend's token comes from.
extension ConfigurationFields {
    /// Records an error where more than one of these keys is given.
    func allowOne(of keys: [String]) {
        var first: String?
        for key in keys where self[key].isPresent {
            if let first {
                self[key].fail("stands beside \(first); allowed: one of \(keys.joined(separator: ", "))")
            } else {
                first = key
            }
        }
    }
}

extension TokenCommandConfiguration {
    /// The fields `tokenCommand` and `tokenCommandSeconds` of a backend.
    static func decode(_ fields: ConfigurationFields) -> TokenCommandConfiguration? {
        let seconds = fields["tokenCommandSeconds"]
        let life = seconds.duration(in: secondsAllowed, default: TokenCommandConfiguration(arguments: []).seconds)
        guard fields["tokenCommand"].isPresent else {
            if seconds.isPresent { seconds.fail("stands without tokenCommand; allowed: beside it only") }
            return nil
        }
        return TokenCommandConfiguration(
            arguments: fields["tokenCommand"].list(atLeast: 1, atMost: argumentsAllowed) {
                $0.string(length: 1...4096, allowed: "the program or an argument of it")
            },
            seconds: life)
    }
}

extension TokenClientConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> TokenClientConfiguration {
        cursor.object { fields in
            let client = TokenClientConfiguration(
                clientID: fields["clientId"].string(
                    length: 1...256, allowed: "a client's id in visible ASCII", where: Names.isVisible),
                secretFile: fields["secretFile"].optional { $0.file() },
                secretEnvironment: fields["secretEnvironment"].optional { $0.environmentVariable() },
                scope: fields["scope"].string(
                    length: 1...1024,
                    allowed: "a scope of one service such as https://auth.globus.org/scopes/UUID/action_all"
                ) { Names.isVisible($0) && resourceServer(ofScope: $0) != nil },
                authURL: fields["authURL"].optional { $0.webAddress() })
            if client.secretFile == nil && client.secretEnvironment == nil {
                fields["secretFile"].fail("is missing; allowed: the path of a file, or secretEnvironment in its place")
            }
            fields.allowOne(of: ["secretFile", "secretEnvironment"])
            return client
        }
    }
}

extension FirstBackend {
    static let walltimeSecondsAllowed = 60.0...31_536_000.0

    static func decode(_ fields: ConfigurationFields) -> FirstBackend {
        func label(_ key: String) -> String {
            fields[key].string(length: 1...128, allowed: "a name of the gateway's catalog (a-z, A-Z, 0-9, -, _, .)") { text in
                text.utf8.allSatisfy { Names.isLetter($0) || Names.isDigit($0) || "-_.".utf8.contains($0) }
                    && text.utf8.contains { $0 != UInt8(ascii: ".") }
            }
        }
        let backend = FirstBackend(
            url: fields["url"].webAddress(),
            cluster: label("cluster"),
            framework: label("framework"),
            upstreamModel: fields["upstreamModel"].optional { $0.string(length: 1...512, allowed: "a model's name") },
            slots: fields["slots"].optional { $0.integer(in: 1...100_000) },
            caFile: fields["caFile"].optional { $0.file() },
            walltimeSeconds: fields["walltimeSeconds"].optional { $0.duration(in: walltimeSecondsAllowed, default: 86400) },
            token: fields["token"].optional(TokenClientConfiguration.decode),
            tokenFile: fields["tokenFile"].optional { $0.file() },
            tokenCommand: TokenCommandConfiguration.decode(fields))
        if !["token", "tokenFile", "tokenCommand"].contains(where: { fields[$0].isPresent }) {
            fields["token"].fail("is missing; allowed: an object { … }, or tokenFile or tokenCommand in its place")
        }
        fields.allowOne(of: ["token", "tokenFile", "tokenCommand"])
        OpenAIBackend.checkCertificateFile(fields, url: backend.url)
        return backend
    }
}
