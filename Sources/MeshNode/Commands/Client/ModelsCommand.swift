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
