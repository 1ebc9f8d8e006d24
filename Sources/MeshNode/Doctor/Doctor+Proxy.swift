/// Proxies: a node takes them from its configuration alone.
extension Doctor {
    /// - Parameter value: of an environment variable.
    static func proxies(_ configuration: NodeConfiguration, of value: (String) -> String?) -> [Finding] {
        let configured = configuration.proxiesInUse
        let variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        let named = variables.first { value($0) != nil }
        if !configured.isEmpty { return [.ok("proxy", configured.joined(separator: "; "))] }
        guard let named else { return [.ok("proxy", "none")] }
        return [
            .warn(
                "proxy", "\(named) is set here, but the configuration names no proxy: the node goes without one",
                "where the way outwards needs it, set proxy in the configuration")
        ]
    }
}

extension NodeConfiguration {
    /// Each proxy that outward calls go through, and what for.
    var proxiesInUse: [String] {
        var found: [String] = []
        if let proxy {
            let hosts = (proxy.noProxy ?? []).joined(separator: ", ")
            found.append("connections outwards by \(proxy.url)\(hosts.isEmpty ? "" : ", but for \(hosts)")")
        }
        if let proxy = globusCompute?.services.proxy { found.append("Globus Compute by \(proxy)") }
        if let proxy = authentication.globus?.reach.proxy { found.append("Globus Auth by \(proxy)") }
        return found
    }
}
