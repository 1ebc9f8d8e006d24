extension GlobusComputeConfiguration {
    func render(_ out: inout ConfigurationWriter) {
        out.line()
        out.comment("How this site reaches Globus Compute.")
        out.object("globusCompute") { out in
            out.field("clientId", .text(clientID))
            out.field("secretFile", secretFile.map { .text($0) })
            out.field("secretEnvironment", secretEnvironment.map { .text($0) })
            services.render(&out)
            out.field("requestsPerTenSeconds", .integer(requestsPerTenSeconds))
            out.field("statusSeconds", .number(statusSeconds))
            out.field("callbackURL", callbackURL.map { .text($0) })
            out.field("callbackCAFile", callbackCAFile.map { .text($0) })
            out.field("callbackProxy", callbackProxy.map { .text($0) })
            out.field("internalSecretFile", internalSecretFile.map { .text($0) })
            out.field("internalSecretEnvironment", internalSecretEnvironment.map { .text($0) })
            if !direct.isEmpty {
                out.list("direct", direct) { out, peer in
                    out.field("site", .text(peer.site))
                    out.field("endpoints", .texts(peer.endpoints))
                }
            }
        }
    }
}

extension GlobusServicesConfiguration {
    func render(_ out: inout ConfigurationWriter) {
        guard self != GlobusServicesConfiguration() else { return }
        out.object("services") { out in
            out.field("auth", auth.map { .text($0) })
            out.field("groups", groups.map { .text($0) })
            out.field("compute", compute.map { .text($0) })
            out.field("caFile", caFile.map { .text($0) })
            out.field("proxy", proxy.map { .text($0) })
            if !noProxy.isEmpty { out.field("noProxy", .texts(noProxy)) }
        }
    }
}

extension GlobusComputeBackend {
    /// The fields of the backend's object.
    func render(_ out: inout ConfigurationWriter) {
        out.field("kind", .text(BackendKind.globusCompute.rawValue))
        out.field("endpoint", .text(endpoint))
        out.field("style", .text(style.rawValue))
        out.field("function", function.map { .text($0) })
        if style == .meshnode {
            out.object("server") { out in
                out.field("url", serverURL.map { .text($0) })
                out.field("keyEnvironment", serverKeyEnvironment.map { .text($0) })
                out.field("caFile", serverCAFile.map { .text($0) })
            }
        }
        out.field("apiPort", apiPort.map { .integer($0) })
        out.field("upstreamModel", upstreamModel.map { .text($0) })
        out.field("slots", slots.map { .integer($0) })
        out.field("deadlineSeconds", .number(deadlineSeconds))
        if let endpointConfig { out.line("endpointConfig: \(endpointConfig),") }
        if let resourceSpecification { out.line("resourceSpecification: \(resourceSpecification),") }
        if let userRuntime { out.line("userRuntime: \(userRuntime),") }
        if status.isOn {
            out.object("status") { out in
                out.field("function", status.function.map { .text($0) })
                out.field("endpoint", status.endpoint.map { .text($0) })
                if let order = status.order { out.line("order: \(order),") }
                out.field("intervalSeconds", .number(status.intervalSeconds))
            }
        }
        if let direct {
            out.object("direct") { out in
                out.field("entrySites", .texts(direct.entrySites))
                out.field("maxAgeSeconds", .number(direct.maxAgeSeconds))
            }
        }
    }
}
