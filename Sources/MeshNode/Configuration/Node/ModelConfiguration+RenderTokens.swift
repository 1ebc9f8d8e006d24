extension TokenCommandConfiguration {
    func render(_ out: inout ConfigurationWriter) {
        out.field("tokenCommand", .texts(arguments))
        out.field("tokenCommandSeconds", .number(seconds))
    }
}

extension FirstBackend {
    func render(_ out: inout ConfigurationWriter) {
        out.field("kind", .text(BackendKind.first.rawValue))
        out.field("url", .text(url))
        out.field("cluster", .text(cluster))
        out.field("framework", .text(framework))
        out.field("upstreamModel", upstreamModel.map { .text($0) })
        out.field("slots", slots.map { .integer($0) })
        out.field("caFile", caFile.map { .text($0) })
        out.field("walltimeSeconds", walltimeSeconds.map { .number($0) })
        if let token {
            out.object("token") { out in
                out.field("clientId", .text(token.clientID))
                out.field("secretFile", token.secretFile.map { .text($0) })
                out.field("secretEnvironment", token.secretEnvironment.map { .text($0) })
                out.field("scope", .text(token.scope))
                out.field("authURL", token.authURL.map { .text($0) })
            }
        }
        out.field("tokenFile", tokenFile.map { .text($0) })
        tokenCommand?.render(&out)
    }
}
