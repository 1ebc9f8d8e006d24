extension AuthenticationConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> AuthenticationConfiguration {
        cursor.objectOrDefaults { fields in
            AuthenticationConfiguration(globus: fields["globus"].optional(GlobusConfiguration.decode))
        }
    }
}

extension GlobusConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> GlobusConfiguration {
        cursor.object { fields in
            let own = GlobusConfiguration(clientID: "")
            let globus = GlobusConfiguration(
                clientID: fields["clientId"].uuid(),
                secretFile: fields["secretFile"].optional { $0.file() },
                secretEnvironment: fields["secretEnvironment"].optional { $0.environmentVariable() },
                scope: fields["scope"].optional {
                    $0.string(length: 1...512, allowed: "a scope in visible ASCII") {
                        Names.isVisible($0) && !$0.utf8.contains(where: "\"\\".utf8.contains)
                    }
                },
                isShared: fields["shared"].truth(default: own.isShared),
                nativeClientID: fields["nativeClientId"].optional { $0.uuid() },
                policies: fields["policies"].list(atMost: policiesAllowed) { $0.uuid() },
                groups: fields["groups"].truth(default: own.groups),
                cacheSeconds: fields["cacheSeconds"].duration(in: cacheSecondsAllowed, default: own.cacheSeconds),
                staleSeconds: fields["staleSeconds"].duration(in: staleSecondsAllowed, default: own.staleSeconds),
                reach: GlobusServicesConfiguration.decode(fields["services"]),
                preferredDomains: fields["preferredDomains"].list(atMost: preferredDomainsAllowed) { $0.domain() },
                redirectURL: fields["redirectURL"].optional { $0.webAddress() })
            switch (globus.secretFile, globus.secretEnvironment) {
            case (nil, nil):
                fields["secretFile"].fail("is missing; allowed: the client's secret in secretFile or secretEnvironment")
            case (_?, _?): fields["secretEnvironment"].fail("stands beside secretFile; allowed: one of the two")
            default: break
            }
            if let url = globus.redirectURL, WebAddress(url)?.path != "/login/callback" {
                fields["redirectURL"].fail(
                    "found \(fields["redirectURL"].found); allowed: this node's address with the path /login/callback, as registered "
                        + "with the client")
            }
            return globus
        }
    }
}

extension KeyConfiguration {
    static func decode(_ cursor: ConfigurationCursor) -> KeyConfiguration {
        cursor.objectOrDefaults { fields in
            let own = KeyConfiguration()
            return KeyConfiguration(
                maximumDays: fields["maximumDays"].integer(in: 0...365, default: own.maximumDays),
                reauthenticationDays: fields["reauthenticationDays"].integer(in: 1...365, default: own.reauthenticationDays),
                unseenDays: fields["unseenDays"].integer(in: 1...365, default: own.unseenDays),
                recheckSeconds: fields["recheckSeconds"].duration(in: 10...86_400, default: own.recheckSeconds),
                perUser: fields["perUser"].integer(in: 1...1000, default: own.perUser))
        }
    }
}
