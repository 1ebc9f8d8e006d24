import Routing

extension Receipt {
    /// What happened, for people: what the request came to, then each choice with what it was made by.
    var story: String {
        var text = "receipt \(id): request \(line(requestID))\n"
        text +=
            "\(user.isEmpty ? "nobody" : line(user)) asked \(line(entry)) for \(line(model)) at \(UTCText.text(milliseconds: at))\n"
        text += "\(end)\n"
        guard let decision else { return text }
        if let sites = decision.request.sites {
            text += "only sites \(line(sites.joined(separator: ", "))) were allowed by the request\n"
        }
        if decision.steps.isEmpty { text += "\nNo site was chosen.\n" }
        for number in decision.steps.indices {
            text += "\n\(number + 1). \(decision.story(number))\n\n\(decision.table(number))"
        }
        return text
    }

    private var end: String {
        let place = site.map { " \(outcome == "answered" ? "by" : "last tried at") \(line($0))" } ?? ""
        let why = reason.map { " (\($0.rawValue))" } ?? ""
        return "\(line(outcome))\(place)\(why): \(tries == 1 ? "one try" : "\(tries) tries"), "
            + "\(bounces == 1 ? "one refusal" : "\(bounces) refusals")"
    }
}

/// Names and messages come from elsewhere: no line of theirs moves the cursor.
private func line(_ text: String) -> String { Quoting.cut(text, scalars: 1000) }

extension Decision {
    fileprivate func story(_ number: Int) -> String {
        let step = steps[number]
        let after = "after \(seconds(step.afterSeconds))"
        guard let picked = name(step.picked, number) else {
            guard let direct = step.direct else { return "\(after): nothing was left to try" }
            return "\(after): nothing was left but the endpoint of \(line(direct)): \(line(step.ended)), "
                + "which took \(seconds(step.tookSeconds))"
        }
        let beside = step.hedge == true ? " beside it" : ""
        return "\(after)\(beside) to \(line(picked)): \(step.ended.isEmpty ? "the end is not known" : line(step.ended)), "
            + "which took \(seconds(step.tookSeconds))"
    }

    private func seconds(_ number: Double) -> String {
        guard number.isFinite, number.magnitude < 1e12 else { return "-" }
        let thousandths = Int((number.magnitude * 1000).rounded())
        let rest = String(thousandths % 1000)
        return "\(thousandths / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest) s"
    }

    fileprivate func table(_ number: Int) -> String {
        let (step, places) = (steps[number], among(number))
        var table = Table([
            "", "SITE", "CHANCE", "SLOTS", "RUNNING", "WAITING", "SENT SINCE", "LOAD HEARD", "ROUND TRIP", "EXCLUDED",
        ])
        let scores = isSound ? scores(step) : []
        for (index, place) in places.enumerated() where step.loads.indices.contains(index) {
            let load = step.loads[index]
            let heard: String
            switch load?.heard {
            case nil, 0?: heard = "-"
            case let at? where at >= step.now: heard = "now"
            case let at?: heard = short(Double(step.now - at) / 1e9, unit: " s ago")
            }
            table.add([
                step.picked?.index == index ? ">" : "", place.name, hundredths(scores.isEmpty ? nil : scores[index]),
                short(load?.slots), short(load?.running), short(load?.waiting), short(load?.sentSince), heard,
                place.isLocal
                    ? "here"
                    : short(load.flatMap { $0.roundTripSeconds > 0 ? $0.roundTripSeconds * 1000 : nil }, unit: " ms"),
                step.excluded.indices.contains(index) ? step.excluded[index] ?? "" : "",
            ])
        }
        return table.text
    }
}
