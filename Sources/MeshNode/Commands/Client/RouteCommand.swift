/// `meshnode route MODEL`: where a request would go now, and why not elsewhere.
enum RouteCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let model = invocation.positional(CommandSpecification.model) ?? ""
        var query = "model=\(NodeClient.encoded(model))"
        if let user = invocation.text(.routedUser) { query += "&user=\(NodeClient.encoded(user))" }
        if let tokens = invocation.integer(.routedTokens) { query += "&tokens=\(tokens)" }
        let body = try NodeClient(invocation).get("/mesh/route?\(query)")
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        let route = try decode(RouteAnswer.self, body)
        Output.write("\(route.model): \(route.sentence)\n\n\(invocation.flag(.explain) ? route.explained : route.table)")
    }
}

extension RouteAnswer {
    fileprivate var sentence: String {
        guard let chosen else { return "no site can take a request now" }
        let waits = queues == true ? ", and wait in line there: no free slot is known of" : ""
        return "a request now would go to \(chosen) (\(reason ?? ""))\(waits)"
    }

    fileprivate var table: String {
        var table = Table(["SITE", "STATE", "CHANCE", "LOAD HEARD", "EXCLUDED"])
        for candidate in candidates {
            table.add([
                candidate.site, candidate.state, hundredths(candidate.score), candidate.heard, candidate.excluded ?? "",
            ])
        }
        return table.text
    }

    /// With the numbers behind.
    fileprivate var explained: String {
        var table = Table([
            "SITE", "NODE", "STATE", "CHANCE", "SLOTS", "RUNNING", "WAITING", "SENT SINCE", "LOAD HEARD", "ROUND TRIP",
            "LAST FAILED", "EXCLUDED",
        ])
        for candidate in candidates {
            table.add([
                candidate.site, candidate.node ?? "-", candidate.state, hundredths(candidate.score), short(candidate.slots),
                short(candidate.running), short(candidate.waiting), short(candidate.sentSince), candidate.heard,
                candidate.local == true ? "here" : short(candidate.roundTripSeconds.map { $0 * 1000 }, unit: " ms"),
                short(candidate.failedSecondsAgo, unit: " s ago"), candidate.excluded ?? "",
            ])
        }
        return """
            \(table.text)
            CHANCE: of a free slot, by the load last heard, what this node sent since, and their age. A site with a free slot of its own
            comes first; else the one that is expected to answer the soonest: round trip, and what a refusal would cost.

            """
    }
}

extension RouteAnswer.Candidate {
    fileprivate var heard: String { local == true ? "now" : short(ageSeconds, unit: " s ago") }
}

/// A number with two digits after the point; a dash for the unknown.
func hundredths(_ number: Double?) -> String {
    guard let number, number.isFinite, number.magnitude < 1e12 else { return "-" }
    let whole = Int((number.magnitude * 100).rounded())
    let rest = whole % 100
    return "\(number < 0 && whole > 0 ? "-" : "")\(whole / 100).\(rest < 10 ? "0" : "")\(rest)"
}
