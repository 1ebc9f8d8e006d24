/// `meshnode models`: what can be asked, and where it runs.
enum ModelsCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let body = try NodeClient(invocation).get("/v1/models")
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        var table = Table(["MODEL", "STATE", "CONTEXT", "SITES", "CAPABILITIES"])
        for model in try decode(ModelsAnswer.self, body).data {
            let sites = model.sites.map { $0.state == "running" ? $0.site : "\($0.site) (\($0.state))" }
            table.add([
                model.id, model.state, short(model.context_tokens), sites.joined(separator: ", "),
                model.capabilities.joined(separator: ", "),
            ])
        }
        Output.write(table.isEmpty ? "no site offers a model just now\n" : table.text)
    }
}

/// `meshnode route MODEL`: where a request would go now, and why not elsewhere.
enum RouteCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let model = invocation.positional(CommandSpecification.model) ?? ""
        let body = try NodeClient(invocation).get("/mesh/route?model=\(NodeClient.encoded(model))")
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        let route = try decode(RouteAnswer.self, body)
        var table = Table(["SITE", "STATE", "WEIGHT", "LOAD HEARD", "EXCLUDED"])
        for candidate in route.candidates {
            table.add([
                candidate.site, candidate.state, short(candidate.score), short(candidate.ageSeconds, unit: " s ago"),
                candidate.excluded ?? "",
            ])
        }
        let chosen =
            route.chosen.map { "a request now would go to \($0) (\(route.reason ?? ""))" }
            ?? "no site can take a request now"
        Output.write("\(route.model): \(chosen)\n\n\(table.text)")
    }
}
