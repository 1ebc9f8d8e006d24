extension AuthenticationConfiguration {
    func render(_ out: inout ConfigurationWriter) {
        guard let globus else { return }
        out.line()
        out.comment("How people log in.")
        out.object("authentication") { out in
            out.object("globus") { out in globus.render(&out) }
        }
    }
}

extension GlobusConfiguration {
    fileprivate func render(_ out: inout ConfigurationWriter) {
        let own = GlobusConfiguration(clientID: clientID)
        out.field("clientId", .text(clientID))
        out.field("secretFile", secretFile.map { .text($0) })
        out.field("secretEnvironment", secretEnvironment.map { .text($0) })
        out.field("scope", scope.map { .text($0) })
        if isShared != own.isShared { out.line("shared: \(isShared),") }
        out.field("nativeClientId", nativeClientID.map { .text($0) })
        if !policies.isEmpty { out.field("policies", .texts(policies)) }
        if groups != own.groups { out.line("groups: \(groups),") }
        out.field("cacheSeconds", .number(cacheSeconds))
        out.field("staleSeconds", .number(staleSeconds))
        reach.render(&out)
        if !preferredDomains.isEmpty { out.field("preferredDomains", .texts(preferredDomains)) }
        out.field("redirectURL", redirectURL.map { .text($0) })
    }
}

extension KeyConfiguration {
    func render(_ out: inout ConfigurationWriter) {
        guard self != KeyConfiguration() else { return }
        out.line()
        out.comment("API keys that users make for themselves.")
        out.object("keys") { out in
            out.field("maximumDays", .integer(maximumDays))
            out.field("reauthenticationDays", .integer(reauthenticationDays))
            out.field("unseenDays", .integer(unseenDays))
            out.field("recheckSeconds", .number(recheckSeconds))
            out.field("perUser", .integer(perUser))
        }
    }
}
